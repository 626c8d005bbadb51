"""What the log says of an epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lqjax.rows import Epoch


def epoch_values(record: Epoch) -> dict[str, float]:
    """Name the numbers of a finished epoch as the log has them; some may not be finite."""
    return {
        "epoch": record.epoch,
        "train_loss": record.train_loss,
        "train_accuracy": record.train_accuracy,
        "validation_loss": record.validation_loss,
        "validation_accuracy": record.validation_accuracy,
        "epoch_images_per_second": record.images_per_second,
        "epoch_seconds": record.seconds,
    }


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Leave out what is infinite or NaN, which JSON does not have."""
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}
