"""One reading of one run, tested under every condition; resumable as the run itself is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from lqjax.damaged import DamagedError
from lqjax.data.batch import Placed
from lqjax.distributed import decide
from lqjax.evaluation.beside import Beside
from lqjax.evaluation.grid import Grid, NotFiniteError
from lqjax.evaluation.predict import Prepare
from lqjax.imaging.damage import Damage
from lqjax.models.network import Network
from lqjax.outdated import put_outdated_aside
from lqjax.progress import Progress
from lqjax.readings.base import Asked, Reader, Subject
from lqjax.rows import Row
from lqjax.training.tested import Tested
from lqjax.workdir import ReadingRun, Run

SETTLED, NOTES, MISSING = "settled", "notes", "missing"


def refuse_unread(readings: Sequence[Asked], networks: Sequence[Network]) -> None:
    """Refuse a reading that none of the networks has.

    Raises:
      ValueError: one line that says what each lacks.
    """
    for asked in readings:
        reasons = [asked.reading.missing(network) for network in networks]
        if all(reasons):
            raise ValueError(
                f"evaluation.readings={asked.name} is not possible: {'; '.join(reasons)}; leave it"
                " out, or name a network that has it"
            )


def refuse_unfit(
    readings: Sequence[Asked], counts: np.ndarray, class_names: tuple[str, ...]
) -> None:
    """Refuse a reading that cannot be fitted to the training images.

    Args:
      counts: training images of each class.

    Raises:
      ValueError: one line that says why.
    """
    for asked in readings:
        if reason := asked.impossible(counts, class_names):
            raise ValueError(f"evaluation.readings={asked.name} is not possible: {reason}")


def known_damages(rows: Sequence[Row]) -> dict[str, Damage]:
    """Take what conditions do to the test images from rows of the network itself.

    It is the same for every reading, and a reading may draw its batches in an order of its own.
    """
    # How many images stay as they were is not in rows, and nobody asks for it here.
    return {row.condition: Damage(row.psnr, row.ssim, unchanged=0) for row in rows}


def evaluate_reading(
    asked: Asked, subject: Subject, grid: Grid, run: Run, tested: Tested, progress: Progress
) -> list[Row]:
    """Test a reading under every condition of the grid that has no row of it yet.

    A network that lacks what the reading needs has it on record, for the report.

    Returns:
      Its rows under all conditions; none of a network that lacks what it needs.

    Raises:
      ValueError: scores that are infinite or NaN.
      Terminated: one of several processes was asked to stop; what is finished is kept.
    """
    kept, network = run.reading(asked.name), subject.predictor.network
    record: dict[str, Any] = {"about": asked.reading.about, "source": asked.reading.source}
    if missing := asked.reading.missing(network):
        kept.write_record({**record, MISSING: missing})
        progress.skip()
        return []
    put_outdated_aside(kept, tested, progress)
    record[SETTLED] = json.loads(json.dumps(dict(asked.reading.settled(subject))))
    record[NOTES] = _take_up(kept, record[SETTLED], tested, progress)
    kept.write_record(record)

    def fit() -> Reader:
        reader = asked.fit(subject)
        kept.write_record({**record, NOTES: list(reader.notes)})
        return reader

    fitted = cache(fit)  # called only where something is left to test

    def classify(
        batches: Placed | Beside, prepare: Prepare, advance: Callable[[int], None]
    ) -> np.ndarray:
        return fitted().logits(batches, prepare, advance)

    try:
        classes = len(subject.class_names)
        return grid.answer(classify, classes, kept, progress, tested.epoch.epoch)
    except NotFiniteError as error:
        raise ValueError(
            f"{kept.title} under {error.condition}: its scores are not finite; leave this reading"
            " out of evaluation.readings"
        ) from None


def _take_up(
    kept: ReadingRun, settled: dict[str, Any], tested: Tested, progress: Progress
) -> list[str]:
    """Put results aside that were had with other settings; return the notes of those that stay."""

    def look() -> list[Any]:
        try:
            before = kept.record()
        except DamagedError as error:
            progress.say(f"warning: {error.what}; {kept.title} is tested again")
            before = {}
        if before.get(SETTLED) == settled or not kept.has_rows():
            return [[str(note) for note in before.get(NOTES, [])], ""]
        return [[], str(kept.put_results_aside(tested.epoch.epoch))]

    notes, moved = decide(look)
    if moved:
        progress.say(
            f"warning: {kept.title}: the results so far were made with other settings and were"
            f" moved to {moved}; it is tested again"
        )
    return list(notes)
