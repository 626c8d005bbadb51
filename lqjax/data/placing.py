"""Where a split lives: on every device, shared out over them, or on the host."""

from __future__ import annotations

from jax.sharding import Mesh

from lqjax.data.memory import DeviceMemory, device_memory
from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.typing import Split


def place(split: Split, mesh: Mesh, residency: str, device_share: float) -> Resident | Streamed:
    """Put a split where batches come from; the batches are the same wherever that is.

    What fits is found from the memory that is free now, so that splits placed before, weights and
    whatever else lies on the devices count: after the images are there, a share of
    1 - `device_share` of the memory is still free. Whole on every device is preferred, then shared
    out over them, then streamed.

    Args:
      split: the examples.
      mesh: the devices, from `lqjax.runtime.make_mesh`.
      residency: "device", "host", or "auto": on the devices when it fits.
      device_share: largest share of a device's memory that images may take; "device" goes beyond
        it, up to all that is free, before it refuses.

    Raises:
      ValueError: "device" asked for, and a device's part of the split is larger than what is free.
    """
    if residency == "host":
        return Streamed(split, mesh)
    memory = device_memory(mesh)
    room = memory.free - (1 - device_share) * memory.total
    whole = split.images.nbytes
    part = -(-len(split) // mesh.size) * (whole // max(len(split), 1))
    if whole <= room:
        return Resident(split, mesh)
    # Beyond the share every byte counts: there the split is never on several devices twice.
    if part <= (memory.free if residency == "device" else room):
        return Resident(split, mesh, shared_out=True)
    if residency == "device":
        raise ValueError(_too_large(part, memory, mesh.size))
    return Streamed(split, mesh)


def _too_large(part: int, memory: DeviceMemory, devices: int) -> str:
    shared = f", shared out over {devices} devices," if devices > 1 else ""
    return (
        f"data.residency=device: the split{shared} takes {part:,} bytes of a device, but "
        f"{memory.free:,} are free; use data.residency=host, or a smaller data.image_size"
    )
