"""What the runs say: accuracies, gaps and means, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.bootstrap import bootstrap_mean
from lqjax.metrics.corrected_t import corrected_t, fold_ratio
from lqjax.metrics.interval import Estimate
from lqjax.metrics.paired import paired_difference
from lqjax.metrics.wilson import wilson_interval
from lqjax.reporting.conditions import CLEAN, Condition
from lqjax.reporting.significance import Significance, significance
from lqjax.reporting.study import Study


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
      leader, other: best and second model by mean accuracy; `other` is empty for one model.
      cells: per condition; gaps are leader minus other.
      shared: degraded conditions that all models finished, over which means run.
      mean: mean accuracy over `shared`, per model; empty where nothing is shared.
      mean_gap: mean over `shared` of leader minus other.
      tests: leader against other in each condition that both finished; `None` where there is none.
    """

    leader: str
    other: str
    cells: tuple[Cell, ...]
    shared: tuple[Condition, ...]
    mean: Mapping[str, Estimate]
    mean_gap: Estimate | None
    tests: Significance | None

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
        model: np.mean([study.correct(model, c) for c in shared], axis=0) if shared else None
        for model in study.models
    }
    means = {m: mean_of(study, values) for m, values in by_image.items() if values is not None}
    ranking = sorted(study.models, key=lambda m: -_merit(study, m, means))
    leader, other = (*ranking, "")[:2]
    mean_gap = None
    if other and shared:
        mean_gap = mean_of(study, by_image[leader] - by_image[other])  # type: ignore[operator]
    cells = tuple(_cell(study, condition, leader, other) for condition in study.conditions)
    compared = [cell.condition for cell in cells if cell.gap is not None]
    tests = significance(study, leader, other, compared) if compared else None
    return Comparison(leader, other, cells, shared, means, mean_gap, tests)


def _merit(study: Study, model: str, means: Mapping[str, Estimate]) -> float:
    """Rank by the mean over degraded conditions, else by whatever the model finished."""
    if means:
        return means[model].value
    done = [c for c in study.conditions if study.finished(model, c)]
    return float(np.mean([study.correct(model, c).mean() for c in done])) if done else 0.0


def _cell(study: Study, condition: Condition, leader: str, other: str) -> Cell:
    accuracy = {model: accuracy_of(study, model, condition) for model in study.models}
    gap = None
    if other and accuracy[leader] is not None and accuracy[other] is not None:
        gap = _gap(study, leader, other, condition)
    deviation = {model: deviation_of(study, model, condition) for model in study.models}
    return Cell(condition, accuracy, gap, deviation)


def accuracy_of(study: Study, model: str, condition: Condition) -> Estimate | None:
    """Return accuracy with its interval: Wilson for one run, `mean_of` for several."""
    if not study.finished(model, condition):
        return None
    correct = study.correct(model, condition)
    if len(study.networks[model]) == 1:
        hits = round(correct.sum())
        return Estimate(hits / study.n, *wilson_interval(hits, study.n))
    return mean_of(study, correct)


def deviation_of(study: Study, model: str, condition: Condition) -> float | None:
    """Return the sample standard deviation of accuracy over folds, or over seeds without folds."""
    if not study.finished(model, condition):
        return None
    if study.folds > 1:
        values = study.by_fold(study.correct(model, condition)).tolist()
    else:
        values = [run.rows[condition.name].accuracy for run in study.networks[model]]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def mean_of(study: Study, by_image: np.ndarray) -> Estimate:
    """Return the mean of one number per test image, and its interval.

    With folds it is the mean over folds with the corrected t-interval, which covers training as
    well; otherwise the bootstrap over images, which covers the choice of test images only.
    """
    if study.folds == 1:
        return bootstrap_mean(by_image)
    found = corrected_t(study.by_fold(by_image), fold_ratio(study.folds)).mean
    # Folds that are all alike say nothing of their spread; the images still do.
    return found if found.is_bounded() else bootstrap_mean(by_image)


def _gap(study: Study, leader: str, other: str, condition: Condition) -> Estimate:
    first, second = (study.correct(model, condition) for model in (leader, other))
    if len(study.networks[leader]) == len(study.networks[other]) == 1:
        return paired_difference(first > 0, second > 0)
    return mean_of(study, first - second)
