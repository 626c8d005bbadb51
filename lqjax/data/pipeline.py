"""From a split in host memory to batches on the devices: the names that other packages use.

`Resident` keeps a split on the devices as uint8 and gathers batches there; `Streamed` gathers on
the host and copies. Both give the same batches. The order of an epoch is drawn from (seed, epoch)
alone, so a run that goes on needs to know only its step.
"""

from __future__ import annotations

from lqjax.data.batch import Batch, Placed
from lqjax.data.normalisation import normalisation
from lqjax.data.order import check_batch_size, epoch_order, padded_batches
from lqjax.data.placing import place
from lqjax.data.resident import Resident, gather
from lqjax.data.streamed import Streamed

__all__ = [
    "Batch",
    "Placed",
    "Resident",
    "Streamed",
    "check_batch_size",
    "epoch_order",
    "gather",
    "normalisation",
    "padded_batches",
    "place",
]
