"""The mean over images of a per-image score, with a bootstrap interval."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from lqjax.metrics.interval import CONFIDENCE, Estimate, Interval
from lqjax.metrics.paired import tango_interval

RESAMPLES = 10_000
SEED = 0
DECIMALS = 12
"""To which scores and means are told apart; what lies beyond is rounding."""

NORMAL = NormalDist()


def bootstrap_mean(
    values: Float[np.ndarray, " examples"], resamples: int = RESAMPLES, seed: int = SEED
) -> Estimate:
    """Return the mean of per-image scores and its bias-corrected accelerated (BCa) interval.

    Images are what is drawn again. Where a score is itself the mean of one image's scores over
    conditions, all its conditions are drawn together and their correlation is respected.

    Args:
      values: per-image scores in [-1, 1]: shares of correct answers, or differences of two.
      resamples: bootstrap samples.
      seed: of the resampling; the same values always get the same interval.

    Returns:
      Mean and 95 % interval. Where all images score alike there is nothing to resample, and the
      interval is Tango's for as many images that all agree: wide for few images, never zero.

    Raises:
      ValueError: no values.

    Source: Efron 1987, "Better bootstrap confidence intervals".
    """
    if not values.size:
        raise ValueError("no examples; an interval needs at least one")
    distinct, counts = np.unique(np.round(values, DECIMALS), return_counts=True)
    mean = float(values.mean())
    if len(distinct) == 1:
        n = values.size
        ends = tango_interval(max(mean, 0.0) * n, max(-mean, 0.0) * n, n)
        return Estimate(mean, *ends)
    # Drawing n images with replacement is drawing how often each distinct value comes up.
    draws = np.random.default_rng(seed).multinomial(values.size, counts / values.size, resamples)
    means = draws @ distinct / values.size
    low, high = np.quantile(means, _bca_levels(values, mean, means))
    return Estimate(mean, float(low), float(high))


def _bca_levels(values: np.ndarray, mean: float, means: np.ndarray) -> Interval:
    """Return the quantiles at which the bootstrap means are read."""
    rounded, observed = np.round(means, DECIMALS), round(mean, DECIMALS)
    below = float((rounded < observed).mean() + (rounded == observed).mean() / 2)
    edge = 1 / (2 * len(means))
    bias = NORMAL.inv_cdf(min(max(below, edge), 1 - edge))
    deviations = values - mean
    acceleration = float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))
    levels = []
    for tail in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2):
        shifted = bias + NORMAL.inv_cdf(tail)
        levels.append(NORMAL.cdf(bias + shifted / (1 - acceleration * shifted)))
    return Interval(*levels)
