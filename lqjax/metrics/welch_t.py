"""Welch's t-test of two means: runs that are not paired, of spreads that may differ."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from lqjax.metrics.bca import is_constant
from lqjax.metrics.corrected_t import LEAST_RUNS
from lqjax.metrics.interval import CONFIDENCE, UNBOUNDED, Estimate
from lqjax.metrics.students_t import quantile, two_sided_p_value


class WelchT(NamedTuple):
    """Difference of two means with its 95 % interval, and the test.

    Attributes:
      mean: of the first less that of the second; ends are infinite where no run differs from the
        others of its side.
      statistic: t; zero there.
      freedom: degrees of freedom by Satterthwaite, not a whole number; zero there.
      p_value: two-sided, of means that are equal; 1 there.
    """

    mean: Estimate
    statistic: float
    freedom: float
    p_value: float


def welch_t(first: Float[np.ndarray, " runs"], second: Float[np.ndarray, " others"]) -> WelchT:
    """Estimate and test the difference of two means, such as of accuracies over training runs.

    The variance of the difference is s₁² / n₁ + s₂² / n₂. Nothing is paired: both may have any
    number of runs. It covers training again on the same images, and not other images.

    Raises:
      ValueError: fewer than two runs of one of them, or values that are not finite.

    Source: Welch 1947, "The generalization of 'Student's' problem when several different population
    variances are involved"; degrees of freedom: Satterthwaite 1946, "An approximate distribution of
    estimates of variance components".
    """
    sides = [np.asarray(values, np.float64) for values in (first, second)]
    for values in sides:
        if values.ndim != 1 or values.size < LEAST_RUNS or not np.isfinite(values).all():
            raise ValueError(
                f"values {values.tolist()}: a t-test needs {LEAST_RUNS} or more finite numbers of"
                " each side; train more seeds"
            )
    gap = float(sides[0].mean() - sides[1].mean())
    parts = [0.0 if is_constant(v) else float(v.var(ddof=1)) / v.size for v in sides]
    if not any(parts):
        return WelchT(Estimate(gap, *UNBOUNDED), 0.0, 0.0, 1.0)
    by_freedom = sum(
        part * part / (values.size - 1) for part, values in zip(parts, sides, strict=True)
    )
    freedom, error = sum(parts) ** 2 / by_freedom, math.sqrt(sum(parts))
    half = quantile(0.5 + CONFIDENCE / 2, freedom) * error
    return WelchT(
        Estimate(gap, gap - half, gap + half),
        gap / error,
        freedom,
        two_sided_p_value(gap / error, freedom),
    )
