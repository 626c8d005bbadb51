"""Readings as CSV: a row for each model, reading and condition, and one for the mean."""

from __future__ import annotations

from dataclasses import dataclass

from lqjax.reporting.comparison import DEGRADED_MEAN
from lqjax.reporting.readings import ReadCell, Readings, ReadModel


@dataclass(frozen=True)
class ReadingRecord:
    """One model under one reading in one condition.

    Attributes:
      condition: its name, or "mean of the degraded".
      runs: trained networks of the model that were read so.
      itself: accuracy of the network itself, a share in [0, 1], with its 95 % interval.
      accuracy: that of the reading, with its own.
      gap: `accuracy` less `itself`, paired on the same images, with its own.
      runs_low, runs_high: 95 % interval of the gap over training runs, three or more; else empty.
    """

    model: str
    reading: str
    condition: str
    runs: int
    itself: float
    itself_low: float
    itself_high: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    gap: float
    gap_low: float
    gap_high: float
    runs_low: float | None = None
    runs_high: float | None = None


def reading_records(readings: Readings | None) -> list[ReadingRecord]:
    """List all cells; empty without readings."""
    records = []
    for read in readings.models if readings else ():
        records += [_record(read, name, cell) for name, cell in read.cells.items()]
        if read.degraded is not None:
            records.append(_record(read, DEGRADED_MEAN, read.degraded))
    return records


def _record(read: ReadModel, condition: str, cell: ReadCell) -> ReadingRecord:
    numbers = (*cell.itself, *cell.accuracy, *cell.gap)
    over_runs = cell.retrained[1:] if cell.retrained is not None else (None, None)
    return ReadingRecord(read.model, read.reading, condition, read.runs, *numbers, *over_runs)
