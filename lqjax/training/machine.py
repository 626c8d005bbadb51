"""What a run trains on, as far as the last digits of its results depend on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jax
from jax.sharding import Mesh


def machine_of(mesh: Mesh) -> dict[str, Any]:
    """Record the devices, processes and cores that a run is spread over."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "device": mesh.devices.flat[0].device_kind,
        "devices": mesh.size,
        "processes": jax.process_count(),
        "cores": cores if jax.default_backend() == "cpu" else 0,
    }


def changes_of_machine(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what is different from when a checkpoint was written; empty if nothing is."""
    return ", ".join(
        f"{name} {before[name]} before and {value} now"
        for name, value in now.items()
        if name in before and before[name] != value
    )
