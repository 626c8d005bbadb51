"""The t-test over folds or seeds, with Nadeau and Bengio's correction for shared training data."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lqjax.metrics.bca import is_constant
from lqjax.metrics.interval import CONFIDENCE, UNBOUNDED, Estimate
from lqjax.metrics.students_t import quantile, two_sided_p_value

LEAST_RUNS = 2
INDEPENDENT = 0.0
"""The ratio that leaves the t-test uncorrected, for runs that differ in their seed only."""


class CorrectedT(NamedTuple):
    """Mean over runs with its 95 % interval, standard deviation of single runs, and the test.

    Attributes:
      mean: of the runs; ends are infinite where all runs are equal.
      deviation: sample standard deviation of the runs (divisor J - 1).
      statistic: t; zero where all runs are equal.
      freedom: degrees of freedom, J - 1.
      p_value: two-sided, of a mean of zero.
    """

    mean: Estimate
    deviation: float
    statistic: float
    freedom: int
    p_value: float


def corrected_t(values: Float[np.ndarray, " runs"], test_to_train: float) -> CorrectedT:
    """Estimate and test the mean of one number per run: an accuracy, or the gap of two models.

    The variance of the mean is s² (1/J + test_to_train) over J runs, in place of s² / J: the runs
    share training examples, and their spread alone understates that of the mean.

    Args:
      values: one per run; for a paired test the differences of two models in the same runs.
      test_to_train: test examples divided by training examples of a run. In k folds, once or
        repeated, that is `fold_ratio(k)` where all the other folds are trained on, and more where
        some of them are held out for validation or left out. 0 gives the ordinary t-test: seeds
        on one fixed split, for which the result covers retraining on these data and not other data.

    Returns:
      Where all runs are equal the spread is unknown: infinite ends and a p-value of 1.

    Raises:
      ValueError: fewer than two runs, values that are not finite, or a negative ratio.

    Source: Nadeau and Bengio 2003, "Inference for the generalization error"; for repeated folds
    Bouckaert and Frank 2004, "Evaluating the replicability of significance tests for comparing
    learning algorithms".
    """
    values = np.asarray(values, np.float64)
    runs = values.size
    if values.ndim != 1 or runs < LEAST_RUNS:
        raise ValueError(
            f"values of shape {values.shape}: a t-test needs {LEAST_RUNS} or more runs; train"
            " more seeds or folds"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"run {int(np.argmin(np.isfinite(values)))} has a value that is not finite"
        )
    if not 0 <= test_to_train < math.inf:
        raise ValueError(f"test_to_train={test_to_train} is not possible; allowed: 0 or more")
    mean, deviation, freedom = float(values.mean()), float(values.std(ddof=1)), runs - 1
    if is_constant(values):
        return CorrectedT(Estimate(mean, *UNBOUNDED), 0.0, 0.0, freedom, 1.0)
    error = deviation * math.sqrt(1 / runs + test_to_train)
    half = quantile(0.5 + CONFIDENCE / 2, freedom) * error
    return CorrectedT(
        Estimate(mean, mean - half, mean + half),
        deviation,
        mean / error,
        freedom,
        two_sided_p_value(mean / error, freedom),
    )


def fold_ratio(folds: int) -> float:
    """Return test examples by training examples in cross-validation: 1 / (folds - 1).

    It takes every image of the other folds to be trained on: none held out, none left out.

    Raises:
      ValueError: fewer than two folds.

    >>> fold_ratio(5)
    0.25
    """
    if folds < LEAST_RUNS:
        raise ValueError(f"folds={folds} is not possible; allowed: {LEAST_RUNS} or more")
    return 1 / (folds - 1)
