"""What the runs say: accuracies, gaps and means, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from lqjax.metrics.interval import Estimate
from lqjax.reporting.conditions import CLEAN, Condition
from lqjax.reporting.intervals import (
    accuracies_of,
    chance_by_group,
    gaps_of,
    means_of,
    within,
)
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.significance import Pair, Significance, significance
from lqjax.reporting.study import Study
from lqjax.reporting.training_runs import gap_over_seeds

DEGRADED_MEAN = "mean of the degraded"
"""What the mean over `Comparison.shared` is called."""

TESTS_SECTION = "Tests between models"
"""The part of the report that has every pair of models."""


@dataclass(frozen=True)
class Cell:
    """One condition: the accuracy of each model and the gap; `None` where not finished.

    Attributes:
      deviation: standard deviation over folds, or over seeds; `None` for a single run.
    """

    condition: Condition
    accuracy: Mapping[str, Estimate | None]
    gap: Estimate | None
    deviation: Mapping[str, float | None]


@dataclass(frozen=True)
class Comparison:
    """The numbers behind verdict, tables and figures.

    Attributes:
      leader, other: best and second model by mean accuracy, of a network with several learning
        rates the best by validation; `other` is empty for one model.
      cells: per condition; gaps are leader minus other.
      shared: degraded conditions that all models finished, over which means run.
      mean: mean accuracy over `shared`, per model; empty where nothing is shared.
      mean_gap: mean over `shared` of leader minus other.
      by_group: p-value of the gap that decides when the signs of whole groups of images are turned;
        `None` where images stand alone, or with folds.
      retrained: the gap that decides, with an interval that covers training again; `None` where
        there are too few seeds, or folds, whose intervals cover it anyway.
      tests: leader against other in each condition that both finished; `None` where there is none.
      pairs: the tests of every pair of the compared models that finished a condition in common,
        the better one by mean accuracy first; leader and other are the first of them.
    """

    leader: str
    other: str
    cells: tuple[Cell, ...]
    shared: tuple[Condition, ...]
    mean: Mapping[str, Estimate]
    mean_gap: Estimate | None
    tests: Significance | None
    retrained: Estimate | None = None
    by_group: float | None = None
    pairs: Mapping[Pair, Significance] = field(default_factory=dict)

    @property
    def clean(self) -> Cell | None:
        """The cell of the clean images, if they were evaluated."""
        return next((cell for cell in self.cells if cell.condition.name == CLEAN), None)

    def shown(self, condition: Condition) -> bool:
        """Tell whether leader and other are shown to differ in a condition."""
        return self.tests is not None and self.tests.shown(condition)


def compare_models(study: Study) -> Comparison:
    """Compute all accuracies and gaps of a study."""
    shared = tuple(
        c
        for c in study.conditions
        if c.degraded and all(study.finished(model, c) for model in study.models)
    )
    by_image = {
        model: np.mean([study.correct(model, c) for c in shared], axis=0)
        for model in study.models
        if shared
    }
    ranking = sorted(contenders(study), key=lambda m: -_merit(study, m, by_image))
    leader, other = (*ranking, "")[:2]
    columns = list(by_image.values())
    if other and shared:
        columns.append(by_image[leader] - by_image[other])
    means = means_of(study, columns)
    cells = _cells(study, leader, other)
    compared = [cell.condition for cell in cells if cell.gap is not None]
    decisive = shared or tuple(c for c in compared if not c.degraded)
    both = (leader, other)
    pairs = _tested_pairs(study, ranking)
    return Comparison(
        leader=leader,
        other=other,
        cells=cells,
        shared=shared,
        mean={m: within(found, 0, 1) for m, found in zip(by_image, means, strict=False)},
        mean_gap=means[-1] if other and shared else None,
        tests=pairs.get(both),
        retrained=gap_over_seeds(study, both, decisive) if compared else None,
        by_group=chance_by_group(study, both, decisive) if compared else None,
        pairs=pairs,
    )


def _tested_pairs(study: Study, ranking: Sequence[str]) -> dict[Pair, Significance]:
    """Test all pairs of the ranked models, for the best two were picked on the same images."""
    finished = {
        (first, second): [
            c for c in study.conditions if study.finished(first, c) and study.finished(second, c)
        ]
        for first, second in combinations(ranking, 2)
    }
    return significance(study, {pair: found for pair, found in finished.items() if found})


def _merit(study: Study, model: str, by_image: Mapping[str, np.ndarray]) -> float:
    """Rank by the mean over what all models finished: degraded conditions, else the clean images.

    Means over different conditions say nothing of two models: one would be blamed for its harder
    ones. A model without any of that comes last.
    """
    if by_image:
        return float(by_image[model].mean())
    clean = [c for c in study.conditions if not c.degraded and study.finished(model, c)]
    return float(np.mean([study.correct(model, c).mean() for c in clean])) if clean else -1.0


def _cells(study: Study, leader: str, other: str) -> tuple[Cell, ...]:
    correct = {
        model: {c: study.correct(model, c) for c in study.conditions if study.finished(model, c)}
        for model in study.models
    }
    accuracy = {
        model: dict(zip(found, accuracies_of(study, model, list(found.values())), strict=True))
        for model, found in correct.items()
    }
    gaps: dict[Condition, Estimate] = {}
    if other:
        both = [c for c in study.conditions if c in correct[leader] and c in correct[other]]
        pairs = [(correct[leader][c], correct[other][c]) for c in both]
        gaps = dict(zip(both, gaps_of(study, (leader, other), pairs), strict=True))
    return tuple(
        Cell(
            condition,
            {model: accuracy[model].get(condition) for model in study.models},
            gaps.get(condition),
            {model: deviation_of(study, model, condition) for model in study.models},
        )
        for condition in study.conditions
    )


def deviation_of(study: Study, model: str, condition: Condition) -> float | None:
    """Return the sample standard deviation of accuracy over folds, or over seeds without folds."""
    if not study.finished(model, condition):
        return None
    if study.folds > 1:
        values = study.by_fold(study.correct(model, condition)).tolist()
    else:
        values = [run.rows[condition.name].accuracy for run in study.networks[model]]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None
