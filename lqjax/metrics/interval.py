"""A two-sided interval and the level at which this package states all of them."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
"""Share of repetitions in which the interval covers the true value."""

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Standard normal quantile of that level, about 1.96."""


class Interval(NamedTuple):
    """Both ends of a `CONFIDENCE` interval."""

    low: float
    high: float


UNBOUNDED = Interval(-math.inf, math.inf)
"""What is said where the data has no spread from which an interval could be had."""


class Estimate(NamedTuple):
    """A number and its interval, in the unit of the number."""

    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Tell whether zero lies outside the interval: a difference is shown."""
        return self.low > 0 or self.high < 0

    def is_bounded(self) -> bool:
        """Tell whether the interval has two finite ends: there was spread to estimate it from."""
        return math.isfinite(self.low) and math.isfinite(self.high)
