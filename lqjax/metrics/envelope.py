"""The operating envelope: how much of a degradation a model stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lqjax.metrics.crossing import ALREADY, NEVER, ROUNDING, crossing_places
from lqjax.metrics.interval import CONFIDENCE
from lqjax.metrics.ladder import Ladder, number_text

WITHIN, MILDER, STRONGER = "within", "milder", "stronger"


@dataclass(frozen=True)
class EnvelopeEnd:
    """A severity on a ladder, or the end of the ladder beyond which it lies.

    Attributes:
      where: "within" the ladder, "milder" than its first level or "stronger" than its last.
      level: in the unit of the parameter; `None` outside the ladder.
      psnr: of that severity in dB, between those of its neighbours; `None` outside the ladder, or
        where a neighbour has none.
    """

    where: str
    level: float | None
    psnr: float | None


@dataclass(frozen=True)
class Envelope:
    """Where accuracy meets a limit on a ladder, with its interval.

    Attributes:
      ladder: what was tested.
      limit: the accuracy in question, in [0, 1].
      found: severity at which the accuracy is first no higher.
      mildest, strongest: ends of the 95 % interval; `None` without resamples, or where the
        accuracies are the same in all of them: no image shows how much they vary. An end outside
        the ladder is open: no more is known than that it lies there.
    """

    ladder: Ladder
    limit: float
    found: EnvelopeEnd
    mildest: EnvelopeEnd | None = None
    strongest: EnvelopeEnd | None = None

    def text(self) -> str:
        """Write it for people: "quality=23 [19, 27]", "sigma=2.1 px [1.8, beyond 4]"."""
        first, last = self.ladder.levels[0], self.ladder.levels[-1]
        if self.found.level is not None:
            stated = self.ladder.text(self.found.level)
        elif self.found.where == STRONGER:
            way = "up" if last > first else "down"
            stated = f"never within the ladder, {way} to {self.ladder.text(last)}"
        else:
            stated = f"already at the mildest level, {self.ladder.text(first)}"
        if self.mildest is None or self.strongest is None:
            return stated
        ends = [self._end(self.mildest), self._end(self.strongest)]
        return f"{stated} [{', '.join(ends if last > first else reversed(ends))}]"

    def _end(self, end: EnvelopeEnd) -> str:
        if end.level is not None:
            return number_text(end.level)
        if end.where == MILDER:
            return f"milder than {number_text(self.ladder.levels[0])}"
        return f"beyond {number_text(self.ladder.levels[-1])}"


def operating_envelope(
    ladder: Ladder,
    accuracies: Float[np.ndarray, " levels"] | Sequence[float],
    limit: float,
    resampled: Float[np.ndarray, "resamples levels"] | None = None,
    resampled_limits: Float[np.ndarray, " resamples"] | float | None = None,
    psnr: Sequence[float | None] | None = None,
) -> Envelope:
    """Find the severity at which a model's accuracy meets a limit.

    The accuracies are first brought into the nearest curve that never rises with the damage, then
    joined by straight lines in the ladder's coordinate. The interval is that of percentiles of the
    bootstrap: it turns with the coordinate, so that its ends in the unit and in PSNR agree, and
    samples that never meet the limit count as such.

    Args:
      ladder: at least nine levels.
      accuracies: at those levels, mildest first, in [0, 1].
      limit: a floor, or the clean accuracy less a drop.
      resampled: accuracies of bootstrap samples of the test images; see `ladder_accuracies`.
      resampled_limits: the limit in each of them, where it depends on the images; without it the
        same as `limit`.
      psnr: mean PSNR of each level in dB; `None` for a level that changes no image.

    Raises:
      ValueError: numbers that do not fit the ladder, or accuracies that are no shares.
    """
    accuracies = np.asarray(accuracies, float)
    _check(ladder, accuracies, limit, resampled, psnr)
    found = _end_at(ladder, float(crossing_places(ladder.places, accuracies, limit)), psnr)
    if resampled is None:
        return Envelope(ladder, float(limit), found)
    limits = np.asarray(limit if resampled_limits is None else resampled_limits, float)
    if not np.ptp(resampled - limits[..., None], axis=0).max() > ROUNDING:
        return Envelope(ladder, float(limit), found)
    sampled = np.sort(crossing_places(ladder.places, resampled, limits))
    low, high = _percentile_ranks(len(sampled))
    return Envelope(
        ladder,
        float(limit),
        found,
        mildest=_end_at(ladder, float(sampled[low]), psnr),
        strongest=_end_at(ladder, float(sampled[high]), psnr),
    )


def _percentile_ranks(count: int) -> tuple[int, int]:
    """Give the places of both ends among the sorted samples, without interpolating.

    Between two samples the outer one is taken: a mean of a severity and infinity says nothing.
    """
    low = int(np.floor((1 - CONFIDENCE) / 2 * (count - 1)))
    return low, count - 1 - low


def _end_at(ladder: Ladder, place: float, psnr: Sequence[float | None] | None) -> EnvelopeEnd:
    if place == NEVER:
        return EnvelopeEnd(STRONGER, None, None)
    if place == ALREADY:
        return EnvelopeEnd(MILDER, None, None)
    return EnvelopeEnd(WITHIN, ladder.level(place), _psnr_at(ladder, place, psnr))


def _psnr_at(ladder: Ladder, place: float, psnr: Sequence[float | None] | None) -> float | None:
    """Interpolate between the two levels around a place, in the coordinate of the ladder."""
    if psnr is None:
        return None
    values = np.array([np.nan if value is None else value for value in psnr], float)
    values[~np.isfinite(values)] = np.nan
    after = int(np.clip(np.searchsorted(ladder.places, place), 1, len(values) - 1))
    around = slice(after - 1, after + 1)
    share = np.interp(place, ladder.places[around], [0.0, 1.0])
    # A level on the spot needs no neighbour.
    value = (
        values[after - 1 + int(share)]
        if share in (0, 1)
        else ((1 - share) * values[after - 1] + share * values[after])
    )
    return None if np.isnan(value) else float(value)


def _check(
    ladder: Ladder,
    accuracies: np.ndarray,
    limit: float,
    resampled: np.ndarray | None,
    psnr: Sequence[float | None] | None,
) -> None:
    count = len(ladder.levels)
    for name, size in (
        ("accuracies", accuracies.shape),
        ("resampled accuracies", None if resampled is None else np.shape(resampled)[-1:]),
        ("PSNR values", None if psnr is None else (len(psnr),)),
    ):
        if size is not None and size != (count,):
            raise ValueError(
                f"{name} have shape {size}, the ladder of {ladder.parameter} has {count} levels;"
                " give one for each level"
            )
    # Written so that NaN is refused too.
    if not np.all((accuracies >= 0) & (accuracies <= 1)):
        raise ValueError("accuracies must be shares in [0, 1]; divide percentages by 100")
    if not np.isfinite(limit):
        raise ValueError(f"limit={limit} is not possible; allowed: an accuracy such as 0.9")
