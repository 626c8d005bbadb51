"""Devices, the mesh, and the record of what a run ran on."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

DATA_AXIS = "data"
RECORDED_PACKAGES = (
    "lqjax",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "tensorflow-datasets",
    "numpy",
    "clu",
    "ml_collections",
    "matplotlib",
    "pillow",
    "scikit-learn",
)
GIT_TIMEOUT_SECONDS = 5


def make_mesh(devices: int = 0) -> Mesh:
    """Make the one-axis mesh over which batches are sharded.

    Args:
      devices: how many of the visible devices; 0 for all.

    Raises:
      ValueError: more devices than there are.
    """
    visible = jax.devices()
    if devices > len(visible):
        raise ValueError(
            f"run.devices={devices} is not possible; this machine shows {len(visible)}"
            f" {visible[0].platform} device(s)"
        )
    return jax.make_mesh(
        (devices or len(visible),),
        (DATA_AXIS,),
        devices=visible[: devices or len(visible)],
        axis_types=(AxisType.Auto,),
    )


def replicated(mesh: Mesh) -> NamedSharding:
    """Return the sharding that keeps a whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharded(mesh: Mesh) -> NamedSharding:
    """Return the sharding that splits the leading axis over the devices."""
    return NamedSharding(mesh, PartitionSpec(DATA_AXIS))


def read(tree: Any) -> Any:
    """Copy arrays from the device to the host: the one place that waits for the device."""
    return jax.tree.map(np.asarray, jax.device_get(tree))


def device_name() -> str:
    """Name the device that computes: kind and count ("NVIDIA H200", "cpu (AMD EPYC, 2 cores)")."""
    devices = jax.devices()
    kind = devices[0].device_kind
    if devices[0].platform == "cpu":
        kind = f"cpu ({_processor()})"
    return kind if len(devices) == 1 else f"{len(devices)} x {kind}"


def _processor() -> str:
    import os

    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def git_revision() -> str:
    """Return the commit of the source tree, "+changes" when it differs; empty outside git."""
    here = Path(__file__).parent
    commands = (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    answers = []
    for command in commands:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *command],
                capture_output=True,
                text=True,
                timeout=GIT_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode:
            return ""
        answers.append(done.stdout.strip())
    return answers[0] + ("+changes" if answers[1] else "")


def environment() -> dict[str, Any]:
    """Record what a run runs on: versions, platform, device, git revision."""
    versions = {}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions,
        "backend": jax.default_backend(),
        "device": device_name(),
        "devices": jax.device_count(),
        "processes": jax.process_count(),
        "git_revision": git_revision(),
    }
