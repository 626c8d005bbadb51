"""The same resamples of a test set for everything that is measured on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from lqjax.metrics.grouping import Grouping

RESAMPLES = 10_000
SEED = 0
DRAWS_AT_ONCE = 2**20
"""Draws held in memory together: 20 MB with their counts; more only where one resample has more."""
EXACT_IN_FLOAT32 = 2**24
"""Whole numbers below it, and so their sums up to it, are exact in float32."""


@dataclass(frozen=True)
class Resamples:
    """Test sets drawn again, with replacement, from one test set.

    Every call draws the same ones. Means of any models and conditions that come from one object, or
    from two with equal fields, are therefore paired: resample r has the same images in all of them.

    Attributes:
      grouping: what is drawn as a whole.
      resamples: how many test sets are drawn.
      seed: of the drawing. Versions of NumPy may draw differently.
    """

    grouping: Grouping
    resamples: int = RESAMPLES
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise ValueError(f"resamples={self.resamples} is not possible; allowed: 1 or more")

    def counts(self) -> Iterator[Int[np.ndarray, "some units"]]:
        """Yield how often each unit was drawn, some resamples at a time."""
        units = self.grouping.units
        random = np.random.default_rng(self.seed)
        rows = max(1, DRAWS_AT_ONCE // units)
        for start in range(0, self.resamples, rows):
            some = min(rows, self.resamples - start)
            drawn = random.integers(0, units, (some, units))
            drawn += units * np.arange(some)[:, None]  # one range of numbers for each resample
            yield np.bincount(drawn.reshape(-1), minlength=some * units).reshape(some, units)

    def means(self, values: Num[np.ndarray, "examples ..."]) -> Float[np.ndarray, "resamples ..."]:
        """Return the means of each resample: sums over the units drawn, by their number of images.

        One matrix product of counts and values gives all cells at once. Whole numbers, as right
        and wrong answers are, go through float32 without rounding; others through float64.

        Args:
          values: per-example scores; cells are whatever was measured, such as models x conditions.

        Raises:
          ValueError: another number of examples, or values that are not finite.
        """
        sums = self.grouping.sums(values)
        factor, sizes = _factor(sums.reshape(len(sums), -1)), _factor(self.grouping.sizes[:, None])
        means = np.empty((self.resamples, factor.shape[1]))
        start = 0
        for counts in self.counts():
            end = start + len(counts)
            drawn = counts.astype(sizes.dtype) @ sizes
            np.divide(counts.astype(factor.dtype) @ factor, drawn, means[start:end], dtype=float)
            start = end
        return means.reshape(self.resamples, *sums.shape[1:])

    def left_out_means(
        self, values: Num[np.ndarray, "examples ..."]
    ) -> Float[np.ndarray, "units ..."]:
        """Return the means of the examples without one unit, for each unit in turn (jackknife)."""
        sums, sizes = self.grouping.sums(values), self.grouping.sizes
        rest = sizes.sum() - sizes
        return (sums.sum(axis=0) - sums) / rest.reshape(-1, *[1] * (sums.ndim - 1))


def _factor(values: np.ndarray) -> np.ndarray:
    """Convert to float32 where every sum over a resample is exact there, else to float64."""
    whole = np.issubdtype(values.dtype, np.integer)
    largest = max(int(values.max(initial=0)), -int(values.min(initial=0))) if whole else 0
    exact = whole and largest * len(values) < EXACT_IN_FLOAT32
    return values.astype(np.float32 if exact else np.float64)
