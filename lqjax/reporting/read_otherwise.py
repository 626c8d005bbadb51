"""Readings of a run, read from its folder: the same weights, and other answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lqjax.answer_files import read_predicted
from lqjax.damaged import damaged
from lqjax.rows import Row
from lqjax.workdir import READING, ReadingRun, Run


@dataclass(frozen=True)
class ReadOtherwise:
    """One reading of one trained network.

    Attributes:
      name: canonical text, such as `batch_norm(prior=16)`.
      about, source: what it is, and who defined it.
      missing: why the network cannot be read so; then there are no rows.
      settled: what its answers depend on beside weights and parameters, such as the batch size.
      notes: what is to be said of this fit.
      rows, predicted: by condition; the predicted class of each test image.
    """

    name: str
    about: str
    source: str
    missing: str
    settled: Mapping[str, Any]
    notes: tuple[str, ...]
    rows: Mapping[str, Row]
    predicted: Mapping[str, np.ndarray]


def read_readings(run: Run, labels: np.ndarray, classes: int) -> tuple[ReadOtherwise, ...]:
    """Read all readings of a run.

    Args:
      labels: true class of each test image of the run.
      classes: how many there are.

    Raises:
      DamagedError: a file is missing, cannot be read, or does not fit the others.
    """
    return tuple(_read(kept, labels, classes) for kept in run.readings())


def _read(kept: ReadingRun, labels: np.ndarray, classes: int) -> ReadOtherwise:
    record = kept.record()
    rows = {row.condition: row for row in kept.rows()}
    return ReadOtherwise(
        name=kept.asked,
        about=_text(kept, record, "about"),
        source=_text(kept, record, "source"),
        missing=_text(kept, record, "missing"),
        settled=_part(kept, record, "settled", {}),
        notes=tuple(map(str, _part(kept, record, "notes", []))),
        rows=rows,
        predicted={c: read_predicted(kept, row, labels, classes) for c, row in rows.items()},
    )


def _text(kept: ReadingRun, record: Mapping[str, Any], name: str) -> str:
    return str(_part(kept, record, name, ""))


def _part(kept: ReadingRun, record: Mapping[str, Any], name: str, empty: Any) -> Any:
    """Return what a record has under a name, of the type of what stands for nothing."""
    found = record.get(name, empty)
    if not isinstance(found, type(empty)):
        raise damaged(kept.root / READING, f"{name} is {found!r}", kept.repair())
    return found
