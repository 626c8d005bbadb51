"""Results of weights that are not tested any more: put aside, so that one run has one network."""

from __future__ import annotations

from lqjax.distributed import decide
from lqjax.progress import Progress
from lqjax.training.tested import Tested
from lqjax.workdir import Run


def put_outdated_aside(run: Run, tested: Tested, progress: Progress) -> None:
    """Move the results of a run aside if they are of another epoch than the one that is tested.

    Of each finished condition the row says the epoch; rows of earlier versions, which do not, are
    of the one that was asked for. All is measured again then, with a warning.
    """

    def move() -> list[str]:
        epochs = {row.epoch or tested.asked.epoch for row in run.readable_rows()}
        others = sorted(epochs - {tested.epoch.epoch})
        return [str(others[0]), str(run.put_results_aside(others[0]))] if others else []

    if moved := decide(move):
        epoch, place = moved
        progress.say(
            f"warning: {run.title}: the results so far are of epoch {epoch} and were moved to"
            f" {place}; epoch {tested.epoch.epoch} is tested now"
        )
