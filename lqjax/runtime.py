"""Devices, the mesh, and the record of what a run ran on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from lqjax.distributed import several_processes, whole
from lqjax.freed_memory import compute_on_calling_thread

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
    "scipy",
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
      devices: how many of the visible devices, of all processes together; 0 for all.

    Raises:
      ValueError: more devices than there are, or fewer than all where processes share them.
    """
    compute_on_calling_thread()
    visible = jax.devices()
    if devices > len(visible):
        raise ValueError(
            f"run.devices={devices} is not possible; this machine shows {len(visible)}"
            f" {visible[0].platform} device(s)"
        )
    if several_processes() and devices not in (0, len(visible)):
        raise ValueError(
            f"run.devices={devices} would leave processes without work: {jax.process_count()}"
            f" processes share {len(visible)} devices; use run.devices=0 for all of them"
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
    """Copy arrays from the device to the host: the one place that waits for the device.

    Arrays that are spread over several processes arrive whole on each; all have to read them.
    """
    return jax.tree.map(np.asarray, jax.device_get(jax.tree.map(whole, tree)))


def device_name() -> str:
    """Name the device that computes: kind and count ("NVIDIA H200", "cpu (AMD EPYC, 2 cores)")."""
    devices = jax.devices()
    kind = devices[0].device_kind
    if devices[0].platform == "cpu":
        kind = f"cpu ({_processor()})"
    return kind if len(devices) == 1 else f"{len(devices)} x {kind}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def git_revision() -> str:
    """Return the commit of the checkout, "+changes" where it differs; empty for a wheel."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return ""
    commit = _git(root, "rev-parse", "HEAD")
    return commit + ("+changes" if commit and _git(root, "status", "--porcelain", "-uno") else "")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


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
