"""The bias-corrected accelerated (BCa) interval of any statistic that was resampled."""

from __future__ import annotations

import sys
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from lqjax.metrics.interval import CONFIDENCE, Interval

TOLERANCE = 1e-12
"""Relative to the statistic, and at least to 1; what lies closer together differs by rounding."""

NORMAL = NormalDist()


def bca_interval(
    observed: float,
    resampled: Float[np.ndarray, " resamples"],
    left_out: Float[np.ndarray, " units"],
) -> Interval:
    """Return the 95 % interval of a statistic from its bootstrap and its jackknife values.

    The percentiles at which the resampled values are read are moved by the bias of their median
    (values equal to the observed one count half) and by the skewness of the jackknife values.

    Args:
      observed: the statistic of the data.
      resampled: the statistic of each resample.
      left_out: the statistic without one unit, for each unit; what is added to all, or a positive
        factor, does not matter.

    Source: Efron 1987, "Better bootstrap confidence intervals", sections 3 and 6.
    """
    near = TOLERANCE * max(1.0, abs(observed))
    ties = np.abs(resampled - observed) <= near
    below = float(((resampled < observed) & ~ties).mean() + ties.mean() / 2)
    edge = 1 / (2 * len(resampled))
    bias = NORMAL.inv_cdf(min(max(below, edge), 1 - edge))
    acceleration = _acceleration(left_out)
    levels = []
    for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2):
        shifted = bias + NORMAL.inv_cdf(tail)
        scale = max(1 - acceleration * shifted, sys.float_info.epsilon)
        levels.append(NORMAL.cdf(bias + shifted / scale))
    low, high = np.quantile(resampled, levels)
    return Interval(float(low), float(high))


def _acceleration(left_out: np.ndarray) -> float:
    """Return a sixth of the skewness of the jackknife's influences; zero where all are equal."""
    deviations = left_out.mean() - left_out
    largest = float(np.abs(deviations).max())
    if not largest:
        return 0.0
    deviations = deviations / largest  # powers of small numbers would vanish
    return float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))


def is_constant(values: np.ndarray) -> bool:
    """Tell whether values differ by rounding at most."""
    return bool(np.ptp(values) <= TOLERANCE * max(1.0, float(np.abs(values).max())))
