"""Mean and standard deviation that weights were trained with, kept beside them in model.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lqjax.data.normalisation import Statistics
from lqjax.workdir import Run

FILE_NAME = "model.json"
MEAN, STD = "mean", "std"


def statistics_record(statistics: Statistics) -> dict[str, list[float]]:
    """Write statistics as JSON holds them, to the bit."""
    mean, std = statistics
    return {MEAN: np.asarray(mean).tolist(), STD: np.asarray(std).tolist()}


def kept_statistics(runs: Sequence[Run]) -> Statistics | None:
    """Read what the first of these runs that has been begun was begun with.

    Args:
      runs: of one fold, which share their training images.

    Returns:
      Mean and standard deviation; `None` where none has a checkpoint, or the file is damaged: it
      is then written again.
    """
    for run in runs:
        if run.has_checkpoint():
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _read(json.loads((run.root / FILE_NAME).read_bytes()))
    return None


def _read(record: dict[str, Any]) -> Statistics:
    mean, std = (np.asarray(record[name], np.float32) for name in (MEAN, STD))
    sound = np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()
    if mean.ndim != 1 or mean.shape != std.shape or len(mean) != record["channels"] or not sound:
        raise ValueError("no statistics")
    return mean, std
