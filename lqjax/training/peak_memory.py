"""How much memory training has taken at most."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import jax

KIBIBYTE = 1024  # bytes; the unit of ru_maxrss on Linux, see getrusage(2)


def peak_memory(devices: Iterable[jax.Device]) -> dict[str, float]:
    """Read the peak so far, in bytes, under the name of what was measured; the device is not asked.

    Returns:
      `peak_memory_bytes`: of the fullest of the devices, since the process started. Where devices
      keep no count, as CPUs, `peak_resident_bytes`: of the whole process. `{}` where neither is
      known.
    """
    counts = [device.memory_stats() or {} for device in devices]
    peaks = [count["peak_bytes_in_use"] for count in counts if "peak_bytes_in_use" in count]
    return {"peak_memory_bytes": float(max(peaks))} if peaks else _peak_resident()


def _peak_resident() -> dict[str, float]:
    if sys.platform == "win32":  # has no getrusage
        return {}
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_resident_bytes": float(peak if sys.platform == "darwin" else KIBIBYTE * peak)}
