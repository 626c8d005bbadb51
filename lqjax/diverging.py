"""Runs of a sweep over learning rates that diverged: left out, unless all of them did."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.distributed import decide
from lqjax.rows import Divergence, from_json, to_json
from lqjax.training.passage import DivergedError
from lqjax.workbench import Workbench
from lqjax.workdir import Run


def has_diverged(run: Run) -> bool:
    """Tell whether a run is marked as diverged; the same answer on all processes."""
    return bool(decide(lambda: run.divergence() is not None))


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
        listed = ", ".join(dict.fromkeys(f"{d.model} at step {d.step}" for d in found))
        raise DivergedError(
            f"all {len(found)} runs have diverged ({listed}); nothing is left to compare: add"
            f" rates below {rates[0]:g} to run.learning_rates, or name another workdir and set"
            " optimizer.gradient_clip=1 or schedule.warmup_epochs=0.5"
        )
    return found
