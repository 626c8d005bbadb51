"""The mean over images of a per-image score, with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lqjax.metrics.bca import bca_interval
from lqjax.metrics.interval import Estimate
from lqjax.metrics.paired_bootstrap import agreement_interval, paired_bootstrap
from lqjax.metrics.resamples import RESAMPLES, SEED

DECIMALS = 12
"""To which scores are told apart; what lies beyond is rounding."""


def bootstrap_mean(
    values: Float[np.ndarray, " examples"],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    groups: Sequence | np.ndarray | None = None,
) -> Estimate:
    """Return the mean of per-image scores and its bias-corrected accelerated (BCa) interval.

    Images are what is drawn again. Where a score is itself the mean of one image's scores over
    conditions, all its conditions are drawn together and their correlation is respected.

    Args:
      values: per-image scores in [-1, 1]: shares of correct answers, or differences of two.
      resamples: bootstrap samples.
      seed: of the resampling; the same values always get the same interval.
      groups: id of each image's patient, slide or scene; whole groups are then drawn.

    Returns:
      Mean and 95 % interval. Where all images score alike there is nothing to resample, and the
      interval is Tango's for as many images (or groups) that all agree: wide for few, never zero.

    Raises:
      ValueError: no values, or groups that do not fit or are fewer than two.

    Source: Efron 1987, "Better bootstrap confidence intervals".
    """
    if not values.size:
        raise ValueError("no examples; an interval needs at least one")
    if groups is not None:
        sets = paired_bootstrap(values, groups, resamples, seed)
        return sets.estimate(np.positive, share=True)
    distinct, counts = np.unique(np.round(values, DECIMALS), return_counts=True)
    mean = float(values.mean())
    if len(distinct) == 1:
        return Estimate(mean, *agreement_interval(mean, values.size))
    # Drawing n images with replacement is drawing how often each distinct value comes up.
    draws = np.random.default_rng(seed).multinomial(values.size, counts / values.size, resamples)
    means = draws @ distinct / values.size
    # The mean without one image is, but for constants, minus that image's value.
    return Estimate(mean, *bca_interval(mean, means, -values))
