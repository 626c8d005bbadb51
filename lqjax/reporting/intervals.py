"""Which interval belongs to which number: by what was drawn again to get it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.metrics.bootstrap import bootstrap_mean
from lqjax.metrics.corrected_t import corrected_t
from lqjax.metrics.interval import Estimate
from lqjax.metrics.paired import paired_difference
from lqjax.metrics.paired_bootstrap import paired_bootstrap
from lqjax.metrics.permutation import sign_flip_test
from lqjax.metrics.wilson import wilson_interval
from lqjax.reporting.conditions import Condition
from lqjax.reporting.fold_correction import sharing_of_folds
from lqjax.reporting.study import Study


def means_of(study: Study, columns: Sequence[np.ndarray]) -> list[Estimate]:
    """Return the mean of each number that every test image has, with its interval.

    With folds it is the mean over folds with the corrected t-interval, which covers training as
    well. Otherwise the bootstrap covers the choice of test images only; where images belong
    together, as those of one patient do, whole groups are drawn.

    Args:
      columns: each of shape (examples,), in [-1, 1].
    """
    if study.folds > 1:
        return [within(_over_folds(study, column), -1, 1) for column in columns]
    return [within(found, -1, 1) for found in _over_images(study, columns)]


def within(estimate: Estimate, least: float, most: float) -> Estimate:
    """Cut an interval to the values that are possible: t-intervals of few runs reach beyond."""
    low, high = (min(max(end, least), most) for end in (estimate.low, estimate.high))
    return Estimate(estimate.value, low, high)


def accuracy_over_images(study: Study, by_image: np.ndarray) -> Estimate:
    """Return an accuracy with the interval that covers the choice of test images only."""
    return within(_over_images(study, [by_image])[0], 0, 1)


def mean_of(study: Study, by_image: np.ndarray) -> Estimate:
    """Return the mean of one number per test image, and its interval; see `means_of`."""
    return means_of(study, [by_image])[0]


def accuracies_of(study: Study, model: str, columns: Sequence[np.ndarray]) -> list[Estimate]:
    """Return accuracies with intervals: Wilson's for one run and ungrouped images."""
    if len(study.networks[model]) > 1 or study.groups is not None:
        return [within(found, 0, 1) for found in means_of(study, columns)]
    hits = [round(column.sum()) for column in columns]
    return [Estimate(count / study.n, *wilson_interval(count, study.n)) for count in hits]


def gaps_of(
    study: Study, models: tuple[str, str], columns: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[Estimate]:
    """Return differences of two accuracies: Tango's for one run each and ungrouped images.

    Args:
      columns: per condition each image's share of correct answers, of the first and second model.
    """
    if study.groups is not None or any(len(study.networks[model]) > 1 for model in models):
        return means_of(study, [first - second for first, second in columns])
    return [paired_difference(first > 0, second > 0) for first, second in columns]


def chance_by_group(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> float | None:
    """Return the p-value of the mean gap when the signs of whole groups of images are turned.

    Intervals that draw few groups again are too narrow; this test is not too sure with any number.

    Returns:
      `None` where images do not belong to groups, and with folds.
    """
    if study.folds > 1 or study.groups is None or not conditions:
        return None
    first, second = (
        np.mean([study.correct(model, c) for c in conditions], axis=0) for model in models
    )
    return float(sign_flip_test((first - second)[:, None], study.groups).p_values[0])


def _over_folds(study: Study, column: np.ndarray) -> Estimate:
    found = corrected_t(study.by_fold(column), sharing_of_folds(study)).mean
    # Folds that are all alike say nothing of their spread; the images still do.
    return found if found.is_bounded() else _over_images(study, [column])[0]


def _over_images(study: Study, columns: Sequence[np.ndarray]) -> list[Estimate]:
    if study.groups is None or not columns:
        return [bootstrap_mean(column) for column in columns]
    # One drawing of the groups serves all numbers, however many conditions there are.
    found = paired_bootstrap(np.stack(columns, axis=1), study.groups).estimates()
    return [Estimate(*map(float, numbers)) for numbers in found]
