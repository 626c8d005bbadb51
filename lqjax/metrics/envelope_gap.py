"""Whose operating envelope is wider, and whether the test images show it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lqjax.metrics.coordinate import LOG
from lqjax.metrics.crossing import ROUNDING, crossing_places
from lqjax.metrics.interval import CONFIDENCE, UNBOUNDED, Estimate
from lqjax.metrics.ladder import Ladder
from lqjax.metrics.ladder_accuracies import LadderAccuracies


@dataclass(frozen=True)
class EnvelopeGap:
    """How much further one model's envelope reaches than another's.

    Attributes:
      ladder: on which both were tested.
      reach: in the coordinate of the ladder, first model minus second: positive where the first
        stands more damage; infinite where only one of them meets its limit on the ladder, and
        then the interval is too where the resamples agree.
    """

    ladder: Ladder
    reach: Estimate

    @property
    def shown(self) -> bool:
        """Whether the interval excludes that both reach equally far."""
        return self.reach.excludes_zero()

    @property
    def is_factor(self) -> bool:
        """Whether reaches compare as factors, not as differences."""
        return self.ladder.axis == LOG

    def in_unit(self, turned: bool = False) -> Estimate:
        """Give it in the unit of the parameter, or as a factor (1: none) on a logarithmic ladder.

        Args:
          turned: second model minus first.
        """
        value, low, high = self.reach
        if turned:
            value, low, high = -value, -high, -low
        if not self.is_factor:
            return Estimate(value, low, high)
        return Estimate(*(math.exp(end) for end in (value, low, high)))


def envelope_gap(
    ladder: Ladder,
    first: LadderAccuracies,
    second: LadderAccuracies,
    *,
    drop: float = 0.0,
    floor: float = 0.0,
) -> EnvelopeGap:
    """Compare two models by the severity at which each meets its limit.

    The interval is that of percentiles of the paired bootstrap: in each resample both models
    answer the same images, and the difference of their crossings is taken there. Where neither
    model's answers vary, there is no interval, and nothing is shown.

    Args:
      ladder: at least nine levels.
      first, second: of one test set, resampled with equal seeds; see `ladder_accuracies`.
      drop: loss against each model's own clean accuracy that is the limit, or
      floor: the accuracy that is; exactly one of both, in (0, 1).

    Raises:
      ValueError: no limit or two, or resamples of different number.
    """
    if (drop > 0) == (floor > 0):
        raise ValueError(f"drop={drop}, floor={floor}: give one of both, as in drop=0.05")
    if len(first.resampled_clean) != len(second.resampled_clean):
        raise ValueError(
            f"{len(first.resampled_clean)} and {len(second.resampled_clean)} resamples are not"
            " pairs; draw equally many with the same seed"
        )
    value = float(
        _apart(*(_places(ladder, a.levels, a.clean, drop, floor) for a in (first, second)))
    )
    pair = [
        _places(ladder, a.resampled_levels, a.resampled_clean, drop, floor)
        for a in (first, second)
    ]  # fmt: skip
    if not any(_varies(a, drop) for a in (first, second)):
        return EnvelopeGap(ladder, Estimate(value, *UNBOUNDED))
    sampled = np.sort(_apart(*pair))
    # As in `operating_envelope`: between two samples the outer one is taken.
    rank = int(np.floor((1 - CONFIDENCE) / 2 * (len(sampled) - 1)))
    low, high = float(sampled[rank]), float(sampled[len(sampled) - 1 - rank])
    return EnvelopeGap(ladder, Estimate(value, low, high))


def _places(
    ladder: Ladder,
    levels: Float[np.ndarray, "*resamples levels"],
    clean: Float[np.ndarray, " *resamples"] | float,
    drop: float,
    floor: float,
) -> Float[np.ndarray, " *resamples"]:
    limits = np.asarray(clean) - drop if drop else floor
    return crossing_places(ladder.places, levels, limits)


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Subtract; two crossings beyond the same end of the ladder are not told apart."""
    same = np.asarray(first) == np.asarray(second)
    return np.subtract(first, second, out=np.zeros(np.shape(first)), where=~same)


def _varies(accuracies: LadderAccuracies, drop: float) -> bool:
    limits = accuracies.resampled_clean if drop else np.zeros_like(accuracies.resampled_clean)
    spread = np.ptp(accuracies.resampled_levels - limits[:, None], axis=0)
    return bool(spread.max() > ROUNDING)
