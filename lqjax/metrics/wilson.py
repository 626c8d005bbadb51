"""The Wilson score interval of one accuracy."""

from __future__ import annotations

import math

from lqjax.metrics.interval import Interval, Z


def wilson_interval(correct: int, n: int, z: float = Z) -> Interval:
    """Return the score interval of a share.

    Args:
      correct: successes, 0 to `n`.
      n: examples, at least 1.
      z: standard normal quantile; 1.96 for 95 %.

    Raises:
      ValueError: impossible counts.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"correct={correct} of n={n} is not possible; allowed: 0 <= correct <= n")
    share = correct / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if correct == 0 else (centre - half) / scale
    high = 1.0 if correct == n else (centre + half) / scale
    return Interval(low, high)
