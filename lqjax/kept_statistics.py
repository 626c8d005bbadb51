"""What weights belong to, kept beside them in model.json: above all mean and standard deviation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from lqjax.data.normalisation import Statistics
from lqjax.training.damage import is_changed, sealed
from lqjax.workdir import Run

FILE_NAME = "model.json"
MEAN, STD = "mean", "std"


class ChangedError(ValueError):
    """A record is not as training wrote it."""


def kept_text(record: Mapping[str, Any]) -> str:
    """Write what weights belong to, with a checksum by which a change is noticed."""
    return json.dumps(sealed(record), indent=1) + "\n"


def read_kept(run: Run) -> Any:
    """Read what the weights of a run belong to, unchecked but for the checksum.

    Raises:
      ChangedError: the checksum is of other values. Earlier versions wrote none.
      OSError, ValueError, RecursionError: it is missing, or no JSON.
    """
    record = json.loads((run.root / FILE_NAME).read_bytes())
    if isinstance(record, Mapping) and is_changed(record):
        raise ChangedError("it was changed since training wrote it: its seal is of other values")
    return record


def changed_records(runs: Sequence[Run]) -> list[str]:
    """Say in lines for the screen which records of these runs are not as they were written."""
    lines = []
    for run in runs:
        try:
            read_kept(run)
        except ChangedError as error:
            path = run.root / FILE_NAME
            lines.append(f"warning: {path} is not used ({error}); {run.repair('train')}")
        except (OSError, ValueError, RecursionError):  # damage, or nothing written yet
            continue
    return lines


def statistics_record(statistics: Statistics) -> dict[str, list[float]]:
    """Write statistics as JSON holds them, to the bit."""
    mean, std = statistics
    return {MEAN: np.asarray(mean).tolist(), STD: np.asarray(std).tolist()}


def kept_statistics(runs: Sequence[Run]) -> Statistics | None:
    """Read what the first of these runs that has been begun was begun with.

    Args:
      runs: of one fold, which share their training images.

    Returns:
      Mean and standard deviation; `None` where none has a checkpoint, or the file is damaged or
      changed: training writes it again.
    """
    for run in runs:
        if run.has_checkpoint():
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _read(read_kept(run))
    return None


def _read(record: dict[str, Any]) -> Statistics:
    mean, std = (np.asarray(record[name], np.float32) for name in (MEAN, STD))
    sound = np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()
    if mean.ndim != 1 or mean.shape != std.shape or len(mean) != record["channels"] or not sound:
        raise ValueError("no statistics")
    return mean, std
