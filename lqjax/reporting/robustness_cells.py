"""Accuracies of all models on clean and degraded images, and any number made from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lqjax.metrics.corrected_t import corrected_t
from lqjax.metrics.interval import UNBOUNDED, Estimate
from lqjax.metrics.paired_bootstrap import PairedBootstrap, paired_bootstrap
from lqjax.reporting.conditions import Condition
from lqjax.reporting.fold_correction import sharing_of_folds
from lqjax.reporting.study import Study

Statistic = Callable[[np.ndarray], np.ndarray]
"""Takes accuracies (rows, models, conditions) and returns one number for each row."""


@dataclass(frozen=True)
class Cells:
    """Right answers of models under conditions that all of them finished.

    Attributes:
      correct: each image's share of seeds that classify it correctly: (images, models, conditions).
    """

    study: Study
    models: tuple[str, ...]
    conditions: tuple[Condition, ...]
    correct: np.ndarray

    @classmethod
    def of(cls, study: Study, conditions: Sequence[Condition]) -> Cells:
        """Gather the answers of all models under some conditions."""
        by_model = [[study.correct(m, c) for c in conditions] for m in study.models]
        correct = np.moveaxis(np.array(by_model), -1, 0)
        if all(len(runs) == 1 for runs in study.networks.values()):
            correct = correct.astype(bool)  # whole numbers are resampled faster, and exactly
        return cls(study, study.models, tuple(conditions), correct)

    def columns(self, conditions: Sequence[Condition]) -> list[int]:
        """Return the places of conditions along the last axis."""
        names = [condition.name for condition in self.conditions]
        return [names.index(condition.name) for condition in conditions]

    @cached_property
    def observed(self) -> np.ndarray:
        """Accuracy by model and condition; with folds the mean over folds."""
        return self._by_fold.mean(axis=0)

    def estimate(self, statistic: Statistic) -> Estimate:
        """Return any function of the accuracies with its interval; for means see `means_of`.

        Without folds the paired bootstrap draws images, or whole groups, the same for all models
        and conditions. With folds it is Student's t over the jackknife's pseudo-values of the
        folds, which of a mean are the folds themselves, with Nadeau and Bengio's correction.

        Returns:
          Infinite ends where the statistic is undefined in a resample, such as a ratio whose
          denominator comes near zero, or where nothing varies; NaN where it is undefined itself.
        """
        value = float(statistic(self.observed[None])[0])
        if not math.isfinite(value):
            return Estimate(math.nan, *UNBOUNDED)
        if self.study.folds > 1:
            return self._over_folds(statistic, value)
        try:
            return self._resampled.estimate(statistic)
        except ValueError:
            return Estimate(value, *UNBOUNDED)

    @cached_property
    def _by_fold(self) -> np.ndarray:
        return self.study.by_fold(self.correct)

    @cached_property
    def _resampled(self) -> PairedBootstrap:
        return paired_bootstrap(self.correct, self.study.groups)

    def _over_folds(self, statistic: Statistic, value: float) -> Estimate:
        folds, found = self.study.folds, self._by_fold
        left_out = statistic((found.sum(axis=0) - found) / (folds - 1))
        pseudo = folds * value - (folds - 1) * left_out
        if not np.isfinite(pseudo).all():
            return Estimate(value, *UNBOUNDED)
        spread = corrected_t(pseudo, sharing_of_folds(self.study)).mean
        half = (spread.high - spread.low) / 2
        return Estimate(value, value - half, value + half)
