"""How large a difference is, apart from how many images showed it."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from lqjax.metrics.bca import is_constant
from lqjax.metrics.interval import Estimate, Z
from lqjax.metrics.wilson import wilson_interval


def cohens_h(first: float, second: float) -> float:
    """Return the difference of two shares after the arcsine transform, in [-pi, pi].

    0.2, 0.5 and 0.8 are called small, medium and large. The samples count as independent: how
    often the models are right on the same images does not enter.

    Raises:
      ValueError: a share outside [0, 1].

    Source: Cohen 1988, "Statistical power analysis for the behavioral sciences", chapter 6.
    """
    for share in (first, second):
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share; allowed: 0 to 1")
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


def discordant_odds_ratio(only_first: int, only_second: int, z: float = Z) -> Estimate | None:
    """Return how often the first model alone is right for each time the second alone is.

    It is the odds ratio of paired answers, given the image. Its interval is Wilson's of the share
    `only_first` has of the discordant pairs, carried over to odds; it holds 1 exactly when
    McNemar's test without correction does not reject.

    Args:
      only_first, only_second: examples on which only the one model is correct.
      z: standard normal quantile; 1.96 for 95 %.

    Returns:
      `None` where no pair is discordant; infinite where only the first model is ever alone right.

    Raises:
      ValueError: a negative count.

    Source: Fagerland, Lydersen and Laake 2014, "Recommended tests and confidence intervals for
    paired binomial proportions" (transformed Wilson score interval).
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts {only_first} and {only_second}; allowed: 0 or more")
    pairs = only_first + only_second
    if not pairs:
        return None
    ends = wilson_interval(only_first, pairs, z)
    return Estimate(*(_odds(share) for share in (only_first / pairs, *ends)))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def cohens_d_paired(differences: Float[np.ndarray, " examples"]) -> float | None:
    """Return the mean of paired differences in units of their standard deviation (d_z).

    `None` where all differences are equal: there is no unit.

    Raises:
      ValueError: fewer than two differences, or one that is not finite.

    Source: Cohen 1988, section 2.3.5; Lakens 2013, "Calculating and reporting effect sizes to
    facilitate cumulative science", equation 6.
    """
    differences = np.asarray(differences, np.float64)
    if differences.size < 2 or not np.isfinite(differences).all():
        raise ValueError(
            f"{differences.size} differences, {int(np.isfinite(differences).sum())} of them finite;"
            " expected two or more, all finite"
        )
    if is_constant(differences):
        return None
    return float(differences.mean() / differences.std(ddof=1))
