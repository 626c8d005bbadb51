"""Runs of a sweep over learning rates that diverged: left out, unless all of them did."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lqjax.distributed import decide
from lqjax.epochs import kept_epochs, tested_epoch
from lqjax.evaluation.grid import NotFiniteError
from lqjax.outcomes import ReadRow
from lqjax.progress import Progress
from lqjax.rows import Cost, Divergence, Row, from_json, to_json
from lqjax.training.passage import DivergedError
from lqjax.variants import is_one_of_several
from lqjax.workbench import Workbench
from lqjax.workdir import Run


def has_diverged(run: Run) -> bool:
    """Tell whether a run is marked as diverged; the same answer on all processes."""
    return bool(decide(lambda: run.divergence() is not None))


def evaluate_or_mark(
    bench: Workbench, run: Run, progress: Progress
) -> tuple[list[Row], Cost, list[ReadRow]] | None:
    """Test a run; mark one of several learning rates whose scores are not finite.

    Returns:
      Rows, cost, and rows of readings; `None` for a run that is marked, now or before.

    Raises:
      NotFiniteError: it is not one of several learning rates.
    """
    if has_diverged(run):
        return None
    try:
        return bench.evaluate(run, progress)
    except NotFiniteError as error:
        config = bench.config
        if not is_one_of_several(run.model, config.run.learning_rates):
            raise
        # What was read: where other weights are lost, these took their place.
        kept = kept_epochs(run.history(), run.checkpoint_steps())
        epoch = tested_epoch(kept, config.evaluation.checkpoint)
        step, rate = epoch.step - 1, epoch.learning_rate
        run.write_divergence(
            Divergence(run.model, run.seed, run.fold, step, rate, math.nan, error.condition)
        )
        progress.say(
            f"warning: {run.title} is marked as diverged (scores under {error.condition} are not"
            " finite); the other learning rates go on"
        )
        return None


def divergences(benches: Sequence[Workbench]) -> tuple[Divergence, ...]:
    """Read the marks of all runs that the settings name."""
    runs = [
        run for bench in benches for model in bench.config.model.names for run in bench.runs(model)
    ]

    def read() -> list[str]:
        return [to_json(found) for run in runs if (found := run.divergence()) is not None]

    return tuple(from_json(Divergence, line) for line in decide(read))


def refuse_none_left(benches: Sequence[Workbench], left: int) -> tuple[Divergence, ...]:
    """Return what diverged.

    Args:
      left: how many runs did not.

    Raises:
      DivergedError: all of them diverged.
    """
    found = divergences(benches)
    if found and not left:
        rates = sorted(benches[0].config.run.learning_rates)
        listed = ", ".join(dict.fromkeys(f"{d.model} {d.where}" for d in found))
        raise DivergedError(
            f"all {len(found)} runs have diverged ({listed}); nothing is left to compare: add"
            f" rates below {rates[0]:g} to run.learning_rates, or name another workdir and set"
            " optimizer.gradient_clip=1 or schedule.warmup_epochs=0.5"
        )
    return found
