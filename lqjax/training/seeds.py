"""Several seeds of one network: as one program where that pays, otherwise in turn."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from lqjax.progress import Progress
from lqjax.rows import Epoch
from lqjax.training.loop import Trainer, UnequalStepsError
from lqjax.training.room import TooLargeError
from lqjax.workdir import Run

ALWAYS, NEVER = "always", "never"
SWITCHING = ("sophia",)
"""Optimisers with a branch that is taken now and then: several runs would take it at every step."""


def train_seeds(trainer: Trainer, runs: Sequence[Run], progress: Progress) -> list[list[Epoch]]:
    """Train runs that differ in their seed, and say how where there are several.

    Returns:
      The history of each run.

    Raises:
      ValueError: `run.seeds_together=always`, and it is not possible or does not fit the device.
      TooLargeError: one run alone does not fit the device either.
      DivergedError, NotWrittenError: as `Trainer.train`.
    """
    if len(runs) == 1:
        return [_alone(trainer, runs[0], progress)]
    hindrance, asked = why_not(trainer), trainer.config.run.seeds_together
    if asked == ALWAYS and hindrance:
        raise ValueError(
            f"run.seeds_together=always is not possible: {hindrance}; use auto, or remove the cause"
        )
    if asked != ALWAYS and not hindrance:
        hindrance = why_slow(asked)
    if not hindrance:
        progress.say(f"{trainer.network.name}: {len(runs)} seeds as one program")
        try:
            return trainer.with_runs(runs).train(progress, checks_room=asked != ALWAYS)
        except UnequalStepsError as error:
            hindrance = f"{error}, after an interruption"
        except TooLargeError as error:
            hindrance = str(error)
            if asked == ALWAYS:
                raise ValueError(
                    f"run.seeds_together=always is not possible with {len(runs)} seeds:"
                    f" {hindrance}; use auto, fewer seeds, or a smaller training.batch_size"
                ) from error
    progress.say(f"{trainer.network.name}: {len(runs)} seeds in turn ({hindrance})")
    return [_alone(trainer, run, progress) for run in runs]


def _alone(trainer: Trainer, run: Run, progress: Progress) -> list[Epoch]:
    try:
        return trainer.with_runs([run]).train(progress)[0]
    except TooLargeError as error:
        raise TooLargeError(
            f"{trainer.network.name}: {error}; use a smaller training.batch_size, or"
            " training.accumulation"
        ) from error


def why_not(trainer: Trainer) -> str:
    """Say why runs cannot be one program; empty if they can."""
    if trainer.mesh.size > 1:
        return f"each batch is shared by {trainer.mesh.size} devices"
    if not trainer.batches.resident:
        return "the images do not live on the device"
    if trainer.config.augmentation.degradations:
        return "a degradation is drawn per step, and one program would compute all of them"
    if trainer.config.optimizer.name in SWITCHING:
        return f"{trainer.config.optimizer.name} would estimate curvature at every step"
    return ""


def why_slow(asked: str) -> str:
    """Say why one program is not chosen though it is possible; empty if it is."""
    if asked == NEVER:
        return "run.seeds_together=never"
    if jax.default_backend() == "cpu":
        return "faster on a CPU"
    return ""
