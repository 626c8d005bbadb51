"""The difference of two accuracies on the same images, with Tango's score interval."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool

from lqjax.metrics.discordance import discordance
from lqjax.metrics.interval import Estimate, Interval, Z

BISECTIONS = 60
"""Halvings of [-1, 1]: more than a double resolves."""


def paired_difference(
    first: Bool[np.ndarray, " examples"], second: Bool[np.ndarray, " examples"]
) -> Estimate:
    """Return accuracy of `first` minus accuracy of `second`, with its 95 % interval.

    Args:
      first, second: which of the same examples each model classified correctly.

    Raises:
      ValueError: no examples, or two different numbers of them.
    """
    counts, n = discordance(first, second), first.size
    ends = tango_interval(counts.only_first, counts.only_second, n)
    return Estimate((counts.only_first - counts.only_second) / n, *ends)


def tango_interval(only_first: float, only_second: float, n: int, z: float = Z) -> Interval:
    """Return the score interval of a paired difference of shares.

    It holds the differences that the score test does not reject, so it excludes zero exactly when
    McNemar's test (without continuity correction) rejects equality, stays within [-1, 1], and has
    a width above zero even when both models agree on every image.

    Args:
      only_first, only_second: examples on which only the one model is correct.
      n: all examples.
      z: standard normal quantile; 1.96 for 95 %.

    Raises:
      ValueError: impossible counts.

    Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions
    for the paired-sample design"; recommended by Fagerland, Lydersen and Laake 2014.
    """
    if n < 1 or min(only_first, only_second) < 0 or only_first + only_second > n:
        raise ValueError(
            f"{only_first} and {only_second} discordant of {n} is not possible; allowed: two"
            " counts with a sum of at most n"
        )
    return Interval(
        low=-_upper_limit(only_second, only_first, n, z),
        high=_upper_limit(only_first, only_second, n, z),
    )


def _upper_limit(only_first: float, only_second: float, n: int, z: float) -> float:
    """Find the largest difference that the score test does not reject, by bisection."""
    low, high = (only_first - only_second) / n, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _score(middle, only_first, only_second, n) < -z:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _score(difference: float, only_first: float, only_second: float, n: int) -> float:
    """Standardise the observed difference under a true one (Tango 1998, equation 5)."""
    linear = (2 * n - only_first + only_second) * difference - only_first - only_second
    constant = -only_second * difference * (1 - difference)
    root = math.sqrt(max(linear * linear - 8 * n * constant, 0.0))
    share_only_second = (root - linear) / (4 * n)
    variance = n * (2 * share_only_second + difference * (1 - difference))
    distance = only_first - only_second - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)
