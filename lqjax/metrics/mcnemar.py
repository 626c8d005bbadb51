"""McNemar's test of two models on the same images."""

from __future__ import annotations

import math
from typing import NamedTuple

LEAST_FOR_CHI_SQUARE = 25
"""Discordant pairs; below, the exact test stands (Dietterich 1998 and common practice)."""


class McNemar(NamedTuple):
    """The two-sided p-value, and which form of the test it comes from."""

    p_value: float
    exact: bool


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """Test equal accuracies: exactly below 25 discordant pairs, else by chi-square.

    The chi-square has one degree of freedom and the continuity correction, under which its p-value
    follows the exact one. An interval by `tango_interval` goes with the test without
    correction and can exclude zero where this test, which is stricter, stays just above 0.05.

    Args:
      only_first, only_second: examples on which only the one model is correct.

    Raises:
      ValueError: a negative count.

    Source: McNemar 1947; Edwards 1948, "Note on the correction for continuity in testing the
    significance of the difference between correlated proportions"; Dietterich 1998, "Approximate
    statistical tests for comparing supervised classification learning algorithms".
    """
    discordant = only_first + only_second
    if min(only_first, only_second) < 0 or discordant < LEAST_FOR_CHI_SQUARE:
        return McNemar(mcnemar_exact(only_first, only_second), exact=True)
    corrected = max(abs(only_first - only_second) - 1, 0)
    # The upper tail of chi-square with one degree of freedom.
    return McNemar(math.erfc(corrected / math.sqrt(2 * discordant)), exact=False)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of equal accuracies, by the binomial of the discordant pairs.

    Args:
      only_first, only_second: examples on which only the one model is correct.

    Raises:
      ValueError: a negative count.

    Source: McNemar 1947, "Note on the sampling error of the difference between correlated
    proportions or percentages".
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"counts {only_first} and {only_second}; allowed: 0 or more")
    n, fewer = only_first + only_second, min(only_first, only_second)
    log_half = -n * math.log(2)
    log_counts = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(fewer + 1)
    ]
    tail = math.fsum(math.exp(count + log_half) for count in log_counts)
    return min(1.0, 2 * tail)
