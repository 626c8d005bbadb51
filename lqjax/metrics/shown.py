"""In how many conditions a difference between two models is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from lqjax.metrics.multiplicity import holm

LEVEL = 0.05
"""Chance of any false finding among all conditions of one comparison."""


@dataclass(frozen=True)
class Shown:
    """What one family of tests shows.

    Attributes:
      adjusted: p-values after Holm's adjustment, by condition.
      first, second: conditions in which that model is shown to be better.
    """

    adjusted: Float[np.ndarray, " conditions"]
    first: Bool[np.ndarray, " conditions"]
    second: Bool[np.ndarray, " conditions"]

    def counts(self) -> tuple[int, int, int]:
        """Count conditions: first better, second better, no difference shown."""
        first, second = int(self.first.sum()), int(self.second.sum())
        return first, second, len(self.adjusted) - first - second


def shown_differences(
    p_values: Float[np.ndarray, " conditions"],
    gaps: Float[np.ndarray, " conditions"],
    level: float = LEVEL,
) -> Shown:
    """Tell in which conditions a difference is shown after Holm's adjustment.

    "Not shown" is not "equal": it says that these images do not decide.

    Args:
      p_values: two-sided, one for each condition of the comparison, none left out for its result.
      gaps: score of the first model minus that of the second.
      level: the adjusted p-value up to which a difference counts as shown.

    Raises:
      ValueError: lengths that differ, p-values outside [0, 1], gaps that are not finite.
    """
    gaps, adjusted = np.asarray(gaps, np.float64), holm(p_values)
    if gaps.shape != adjusted.shape or not np.isfinite(gaps).all():
        raise ValueError(
            f"gaps of shape {gaps.shape}, {int(np.isfinite(gaps).sum())} of them finite, for"
            f" {len(adjusted)} p-values; expected one finite gap each"
        )
    shown = adjusted <= level
    return Shown(adjusted, shown & (gaps > 0), shown & (gaps < 0))
