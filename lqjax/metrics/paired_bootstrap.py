"""Any function of the mean scores of models and conditions, with a paired bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from lqjax.metrics.bca import bca_interval, is_constant
from lqjax.metrics.grouping import grouping
from lqjax.metrics.interval import UNBOUNDED, Estimate
from lqjax.metrics.paired import tango_interval
from lqjax.metrics.resamples import RESAMPLES, SEED, Resamples

Statistic = Callable[[Float[np.ndarray, "rows ..."]], Float[np.ndarray, " rows"]]
"""Takes the means of all cells, one row for each test set, and returns one number for each."""


@dataclass(frozen=True)
class PairedBootstrap:
    """The means of all cells: as observed, in every resample, and without every unit.

    Attributes:
      observed: means over all examples.
      resampled: means in each resample; the same images in all cells.
      left_out: means without one unit (an image, or a group), for each unit.
    """

    observed: Float[np.ndarray, " ..."]
    resampled: Float[np.ndarray, "resamples ..."]
    left_out: Float[np.ndarray, "units ..."]

    def estimate(self, statistic: Statistic, share: bool = False) -> Estimate:
        """Return a function of the cell means with its 95 % interval (BCa).

        Args:
          statistic: such as `lambda means: means[:, 0].mean(-1) - means[:, 1].mean(-1)`, the gap
            between two models over all conditions where cells are (models, conditions).
          share: the statistic is a share of examples or the difference of two, in [-1, 1].

        Returns:
          Where the statistic is the same in all resamples there is no spread to estimate from:
          a `share` then gets Tango's interval of as many units that agree, anything else
          infinite ends.

        Raises:
          ValueError: a statistic that does not return one number for each row, or one that is not
            finite for the data, a resample, or without a unit.
        """
        value = float(_applied(statistic, self.observed[None], "the data")[0])
        resampled = _applied(statistic, self.resampled, "resamples")
        units = len(self.left_out)
        if is_constant(resampled):
            if not share:
                return Estimate(value, *UNBOUNDED)
            return Estimate(value, *agreement_interval(value, units))
        left_out = _applied(statistic, self.left_out, "test sets without one unit")
        return Estimate(value, *bca_interval(value, resampled, left_out))

    def estimates(self) -> np.ndarray:
        """Return the interval of each cell: an array (*cells, 3) of value, low and high.

        The cells are taken to be shares or differences of shares.
        """
        flat = [np.moveaxis(part, 0, -1).reshape(-1, len(part)) for part in self._rows()]
        found = [
            PairedBootstrap(observed[0], resampled, left_out).estimate(np.positive, share=True)
            for observed, resampled, left_out in zip(*flat, strict=True)
        ]
        return np.array(found).reshape(*self.observed.shape, len(Estimate._fields))

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.observed[None], self.resampled, self.left_out


def paired_bootstrap(
    values: Num[np.ndarray, "examples ..."],
    groups: Sequence | np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PairedBootstrap:
    """Resample a test set once for all models and conditions.

    Args:
      values: per-example scores by cell; right answers as booleans, or any finite numbers. Cells
        may have several axes, such as (models, conditions).
      groups: id of each example's patient, slide or scene where examples of one are alike; whole
        groups are then drawn, and means are sums over the drawn examples by their number.
      resamples: how many test sets are drawn.
      seed: of the drawing.

    Raises:
      ValueError: fewer than two examples or groups, values that are not finite, ids that do not
        fit.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap"; for groups Davison and
    Hinkley 1997, "Bootstrap methods and their application", section 3.8.
    """
    values = np.asarray(values)
    sets = Resamples(grouping(len(values), groups), resamples, seed)
    return PairedBootstrap(
        observed=np.asarray(sets.grouping.means(sets.grouping.sums(values))),
        resampled=sets.means(values),
        left_out=sets.left_out_means(values),
    )


def agreement_interval(value: float, units: int) -> tuple[float, float]:
    """Return Tango's interval of a share or difference of shares that all units have alike."""
    return tango_interval(max(value, 0.0) * units, max(-value, 0.0) * units, units)


def _applied(statistic: Statistic, means: np.ndarray, what: str) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):  # refused below, in words
        found = np.asarray(statistic(means))
    if found.shape != means.shape[:1]:
        raise ValueError(
            f"the statistic returned shape {found.shape} for means of shape {means.shape}; expected"
            f" one number for each row, {means.shape[:1]}"
        )
    lost = int((~np.isfinite(found)).sum())
    if lost:
        raise ValueError(
            f"the statistic is not finite for {lost} of {len(found)} rows ({what}); a ratio whose"
            " denominator comes near zero has no interval: state an absolute difference"
        )
    return found
