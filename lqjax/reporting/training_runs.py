"""What training again would give: tests of two models over their training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.corrected_t import INDEPENDENT, CorrectedT, corrected_t
from lqjax.metrics.interval import Estimate
from lqjax.metrics.welch_t import welch_t
from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import Study

LEAST_SEEDS = 3
"""Training runs of each model from which on something is said about training it again."""


@dataclass(frozen=True)
class SeedsOfTwo:
    """Which runs of two models are compared with each other.

    Attributes:
      first, second: seeds of each, rising.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]

    @property
    def shared(self) -> tuple[int, ...]:
        """Seeds that both have."""
        return tuple(seed for seed in self.first if seed in self.second)

    @property
    def are_paired(self) -> bool:
        """Tell whether runs of one seed are compared; else all of the one with all of the other."""
        return len(self.shared) >= LEAST_SEEDS

    @property
    def are_enough(self) -> bool:
        """Tell whether each has so many runs that training again can be spoken of."""
        return min(len(self.first), len(self.second)) >= LEAST_SEEDS


@dataclass(frozen=True)
class OverRuns:
    """The t-test of two models over training runs, or over folds.

    Attributes:
      mean: of the gaps; ends are infinite where there is no spread to judge by.
      counts: pairs of runs, or folds; two numbers where runs are not paired.
    """

    mean: Estimate
    statistic: float
    p_value: float
    counts: tuple[int, ...]

    @classmethod
    def of(cls, found: CorrectedT) -> OverRuns:
        """Take the test of paired runs."""
        return cls(found.mean, found.statistic, found.p_value, (found.freedom + 1,))


def seeds_of_two(study: Study, models: tuple[str, str]) -> SeedsOfTwo:
    """Look up which seeds two models were trained with."""
    first, second = (tuple(sorted({run.seed for run in study.networks[model]})) for model in models)
    return SeedsOfTwo(first, second)


def over_training_runs(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> OverRuns | None:
    """Test the mean gap over conditions by training runs: it covers training again.

    Runs of one seed are a pair where at least `LEAST_SEEDS` seeds are shared, and others are left
    out; else Welch's test compares all runs of each. Test images stay as they are: other images are
    not covered.

    Returns:
      `None` with folds, without conditions, and with fewer than `LEAST_SEEDS` runs of either.
    """
    if study.folds > 1 or not conditions or not all(models):
        return None
    seeds = seeds_of_two(study, models)
    if seeds.are_paired:
        first, second = (_by_seed(study, m, conditions, seeds.shared) for m in models)
        return OverRuns.of(corrected_t(first - second, INDEPENDENT))
    if not seeds.are_enough:
        return None
    sides = zip(models, (seeds.first, seeds.second), strict=True)
    found = welch_t(*(_by_seed(study, model, conditions, own) for model, own in sides))
    counts = (len(seeds.first), len(seeds.second))
    return OverRuns(found.mean, found.statistic, found.p_value, counts)


def gap_over_seeds(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> Estimate | None:
    """Return the mean gap over training runs with its t-interval; see `over_training_runs`.

    Returns:
      `None` also where all runs differ alike.
    """
    found = over_training_runs(study, models, conditions)
    return found.mean if found is not None and found.mean.is_bounded() else None


def _by_seed(
    study: Study, model: str, conditions: Sequence[Condition], seeds: Sequence[int]
) -> np.ndarray:
    """Return the mean accuracy over conditions of the runs with these seeds: (runs,)."""
    runs = {run.seed: run for run in study.networks[model]}
    right = [[runs[s].predicted[c.name] == study.labels for c in conditions] for s in seeds]
    return np.mean(right, axis=(1, 2))
