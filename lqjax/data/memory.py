"""How much memory the devices of a mesh have, and how much of it is free."""

from __future__ import annotations

import os
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

ASSUMED_HOST_BYTES = 4 * 2**30
"""Where the system does not tell (Windows)."""

MEBIBYTE = 2**20


class DeviceMemory(NamedTuple):
    """Memory of one device, in bytes.

    Attributes:
      total: what programs and arrays may take altogether.
      free: the part of it that no array takes now.
    """

    total: int
    free: int


def device_memory(mesh: Mesh) -> DeviceMemory:
    """Measure the fullest device of a mesh.

    With several processes they agree on the fullest of all, so that they decide alike; all must
    call this together.

    Returns:
      What the backend's account says. Where there is none (CPU), the host's memory divided by the
      devices that share it, less the arrays on them: what else runs on the machine is not counted.
    """
    mine = [d for d in mesh.devices.flat if d.process_index == jax.process_index()]
    found = min((_memory(device, len(mine)) for device in mine), key=lambda m: m.free)
    if jax.process_count() == 1:
        return found
    # Whole MiB fit into the 32 bits that JAX sends by default.
    sizes = np.asarray([size // MEBIBYTE for size in found], np.int32)
    least = np.asarray(multihost_utils.process_allgather(sizes)).min(0)
    return DeviceMemory(*(int(size) * MEBIBYTE for size in least))


def _memory(device: jax.Device, sharers: int) -> DeviceMemory:
    account = device.memory_stats()
    if account and "bytes_limit" in account:
        total, used = account["bytes_limit"], account["bytes_in_use"]
    else:
        total, used = _host_bytes() // sharers, _array_bytes(device)
    return DeviceMemory(total, max(total - used, 0))


def _array_bytes(device: jax.Device) -> int:
    parts = (part for array in jax.live_arrays() for part in array.addressable_shards)
    return sum(part.data.nbytes for part in parts if part.device == device)


def _host_bytes() -> int:
    """Give the size of the host's memory (what is free changes with every cached file)."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return ASSUMED_HOST_BYTES
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
