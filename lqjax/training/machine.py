"""What a run trains on, as far as the last digits of its results depend on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

X64 = "jax_enable_x64"
"""The setting of jax under which random draws are others too, not only the last digits."""


def machine_of(mesh: Mesh) -> dict[str, Any]:
    """Record the devices, processes and cores that a run is spread over, and whether in 64 bit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "device": mesh.devices.flat[0].device_kind,
        "devices": mesh.size,
        "processes": jax.process_count(),
        "cores": cores if jax.default_backend() == "cpu" else 0,
        X64: jnp.result_type(float) == jnp.float64,
    }


def changes_of_machine(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what is different from when a checkpoint was written; empty if nothing is."""
    return ", ".join(
        f"{name} {before[name]} before and {value} now"
        for name, value in now.items()
        if name in before and before[name] != value
    )


def other_machine(network: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Warn in one line that a run goes on where its results will differ; empty if it does not."""
    changes = changes_of_machine(before, now)
    if not changes:
        return ""
    as_drawn = before.get(X64, now[X64]) == now[X64]
    extent = " in the last digits" if as_drawn else ", random draws included,"
    return (
        f"warning: {network} goes on on another machine ({changes}): its results will"
        f" differ{extent} from those of an undisturbed run"
    )
