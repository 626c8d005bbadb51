"""Several runs of one network: as one program where that pays, otherwise in turn."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from lqjax.distributed import decide
from lqjax.progress import Progress
from lqjax.rows import Epoch
from lqjax.textlists import enumeration
from lqjax.training.loop import Trainer, UnequalStepsError
from lqjax.training.room import TooLargeError
from lqjax.training.several import count_runs
from lqjax.training.stages import keeps_features
from lqjax.workdir import Run

ALWAYS, NEVER = "always", "never"
SWITCHING = ("sophia",)
"""Optimisers with a branch that is taken now and then: several runs would take it at every step."""


def train_seeds(trainer: Trainer, runs: Sequence[Run], progress: Progress) -> list[list[Epoch]]:
    """Train runs that differ in seed, fold or learning rate, and say how if there are several.

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
        steps = [trainer.steps_per_epoch(run) for run in runs]
        if len(set(steps)) > 1:  # of folds one may have an image more, which can make a step
            listed = enumeration([str(count) for count in sorted(set(steps))])
            progress.say(
                f"{trainer.network.name}: {count_runs(runs)} as {len(set(steps))} programs"
                f" (epochs of {listed} steps)"
            )
            return _apart(trainer, runs, steps, progress)
        begun = [bool(decide(run.is_trained)) for run in runs]
        if len(set(begun)) > 1:  # those that were added since stand elsewhere
            return _apart(trainer, runs, begun, progress)
        progress.say(f"{trainer.network.name}: {count_runs(runs)} as one program")
        try:
            return trainer.with_runs(runs).train(progress, checks_room=asked != ALWAYS)
        except UnequalStepsError as error:
            hindrance = f"{error}, after an interruption"
        except TooLargeError as error:
            hindrance = str(error)
            if asked == ALWAYS:
                raise ValueError(
                    f"run.seeds_together=always is not possible with {count_runs(runs)}:"
                    f" {hindrance}; use auto, fewer of them, or a smaller training.batch_size"
                ) from error
    progress.say(f"{trainer.network.name}: {count_runs(runs)} in turn ({hindrance})")
    return [_alone(trainer, run, progress) for run in runs]


def _apart(
    trainer: Trainer, runs: Sequence[Run], kinds: Sequence[int], progress: Progress
) -> list[list[Epoch]]:
    """Train the runs of each kind by themselves, those of the largest number first."""
    found: dict[Run, list[Epoch]] = {}
    for which in sorted(set(kinds), reverse=True):
        group = [run for run, kind in zip(runs, kinds, strict=True) if kind == which]
        found.update(zip(group, train_seeds(trainer, group, progress), strict=True))
    return [found[run] for run in runs]


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
    if not trainer.images.resident:
        return "the images do not live on the device"
    if trainer.config.augmentation.degradations:
        return "a degradation is drawn per step, and one program would compute all of them"
    if keeps_features(trainer.network, trainer.config):
        return "the features that the head is trained on are computed once for each"
    if trainer.config.optimizer.name in SWITCHING:
        return f"{trainer.config.optimizer.name} would estimate curvature at every step"
    return ""


def why_slow(asked: str) -> str:
    """Say why one program is not chosen though it is possible; empty if it is."""
    if asked == NEVER:
        return "run.seeds_together=never"
    if jax.default_backend() == "cpu":
        return "on a CPU one program is slower or gains little"
    return ""
