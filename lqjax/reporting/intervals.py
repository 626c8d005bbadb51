"""Which interval belongs to which number: by what was drawn again to get it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.metrics.bootstrap import bootstrap_mean
from lqjax.metrics.corrected_t import INDEPENDENT, corrected_t, fold_ratio
from lqjax.metrics.interval import Estimate
from lqjax.metrics.paired import paired_difference
from lqjax.metrics.paired_bootstrap import paired_bootstrap
from lqjax.metrics.permutation import sign_flip_test
from lqjax.metrics.wilson import wilson_interval
from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import Study

LEAST_SEEDS = 3
"""Training runs of each model from which on something is said about training it again."""


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


def gap_over_seeds(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> Estimate | None:
    """Return the mean gap with the t-interval over training runs: it covers training again.

    Runs of the same seed are one pair. Test images stay as they are: other images are not covered.

    Returns:
      `None` with folds, with fewer than `LEAST_SEEDS` seeds, with seeds that the models do not
      share, and where all runs differ alike.
    """
    gaps = gaps_by_seed(study, models, conditions)
    found = None if gaps is None else corrected_t(gaps, INDEPENDENT).mean
    return found if found is not None and found.is_bounded() else None


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


def gaps_by_seed(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> np.ndarray | None:
    """Return the mean gap over conditions of each pair of training runs of one seed: (runs,).

    Returns:
      `None` with folds, without conditions, with fewer than `LEAST_SEEDS` seeds, and with seeds
      that the models do not share.
    """
    seeds = [tuple(sorted(run.seed for run in study.networks[model])) for model in models]
    if study.folds > 1 or not conditions or seeds[0] != seeds[1] or len(seeds[0]) < LEAST_SEEDS:
        return None
    first, second = (_by_seed(study, model, conditions) for model in models)
    return first - second


def _by_seed(study: Study, model: str, conditions: Sequence[Condition]) -> np.ndarray:
    """Return the mean accuracy over conditions of each run, by seed: (runs,)."""
    runs = sorted(study.networks[model], key=lambda run: run.seed)
    right = [[run.predicted[c.name] == study.labels for c in conditions] for run in runs]
    return np.mean(right, axis=(1, 2))


def _over_folds(study: Study, column: np.ndarray) -> Estimate:
    found = corrected_t(study.by_fold(column), fold_ratio(study.folds)).mean
    # Folds that are all alike say nothing of their spread; the images still do.
    return found if found.is_bounded() else _over_images(study, [column])[0]


def _over_images(study: Study, columns: Sequence[np.ndarray]) -> list[Estimate]:
    if study.groups is None or not columns:
        return [bootstrap_mean(column) for column in columns]
    # One drawing of the groups serves all numbers, however many conditions there are.
    found = paired_bootstrap(np.stack(columns, axis=1), study.groups).estimates()
    return [Estimate(*map(float, numbers)) for numbers in found]
