"""How much memory the devices of a mesh have left."""

from __future__ import annotations

import os

import jax
from jax.sharding import Mesh

ASSUMED_HOST_BYTES = 4 * 2**30
"""Where the system does not tell (Windows)."""


def free_bytes(mesh: Mesh) -> int:
    """Give the free memory of the fullest device of a mesh that this process can see.

    Returns:
      Bytes. Where the backend keeps no account (CPU), the host's memory divided by the devices
      that share it.
    """
    mine = [d for d in mesh.devices.flat if d.process_index == jax.process_index()]
    accounts = [device.memory_stats() for device in mine]
    known = [a["bytes_limit"] - a["bytes_in_use"] for a in accounts if a and "bytes_limit" in a]
    if known:
        return max(min(known), 0)
    return _host_bytes() // max(len(mine), 1)


def _host_bytes() -> int:
    """Give the size of the host's memory (what is free changes with every cached file)."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return ASSUMED_HOST_BYTES
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
