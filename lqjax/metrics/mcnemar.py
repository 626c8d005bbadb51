"""McNemar's exact test of two models on the same images."""

from __future__ import annotations

import math


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
