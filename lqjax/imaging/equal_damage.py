"""Find the severity that does a given damage, so that degradations are compared at equal damage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lqjax.imaging.conditions import parse
from lqjax.imaging.damage import Damage, ImageSet
from lqjax.imaging.dials import Dial, Side, dial_for
from lqjax.imaging.ssim import check_sizes

TOLERANCES = {"psnr": 0.01, "ssim": 0.001}
"""By measure: how near is near enough, in dB and in units of SSIM."""

UNITS = {"psnr": " dB", "ssim": ""}

_NO_LIMIT = 200.0
"""dB; stands for the infinite PSNR of unchanged images. Float32 ends at about 150 dB."""

_LEAST_DIGITS, _MOST_DIGITS = 4, 7
"""Digits of a found value: few are easily copied, and float32 has seven."""

_MOST_TRIALS = 100

_SCANNED = 9
"""Values tried, evenly and in equal ratios, to tell an unreachable target from a curve that turns
back."""

_NEAREST = 1e-3
"""Least of these ratios, as a share of the range."""


@dataclass(frozen=True)
class EqualDamage:
    """A severity and the damage that it does to a set of images.

    Attributes:
      condition: text that is understood everywhere: "jpeg(quality=23)".
      parameter: name of what was searched: "quality"; "severity" for an entry of a suite.
      value: of the parameter.
      psnr: mean over the images that the condition changes, dB; `None` where it changes none.
      ssim: mean over all images; `None` below 11 px.
      exact: the target is met within the tolerance. Whole and stepped parameters have a nearest
        value only.
      side: "milder" or "stronger" than the target where it is not met, otherwise empty.
      unchanged: number of images that the condition leaves as they are.
    """

    condition: str
    parameter: str
    value: float
    psnr: float | None
    ssim: float | None
    exact: bool
    side: str
    unchanged: int


def severity_for(
    operation: str,
    *,
    psnr: float | None = None,
    ssim: float | None = None,
    images: np.ndarray,
    seed: int = 0,
    ids: Sequence[str] | np.ndarray | None = None,
    tolerance: float | None = None,
    between: tuple[float, float] | None = None,
    **fixed: Any,
) -> EqualDamage:
    """Find the parameter at which a degradation does a given mean damage to a set of images.

    The noise is the same at every value that is tried. Parameters that are traced share one
    compiled program. An image that the degradation leaves as it is has no finite PSNR: the mean
    is over the others, and the result says how many there were.

    Args:
      operation: "jpeg" or "gaussian_noise": the parameter that must be given is searched. Or a
        degradation of a suite with severities between its levels, "imagenet_c/fog": that severity
        is searched.
      psnr: mean PSNR to reach, dB; or
      ssim: mean SSIM to reach, up to 1. Give one of the two.
      images: as `lqjax.degrade` takes them. 8-bit images are compared after rounding, as
        `lqjax.degrade` returns them.
      seed, ids: as for `lqjax.degrade`.
      tolerance: how near is near enough; by default 0.01 dB or 0.001.
      between: two values of the parameter; the search stays within. By default its whole range.
      fixed: the other parameters of the operation: `kernel_size=9`.

    Raises:
      ValueError: an unknown operation, no or several parameters to search, impossible images, a
        target that is not reached or that is reached on both sides of the identity.
    """
    kind, target = _target(psnr, ssim)
    dial = dial_for(operation, fixed)
    margin = _positive(TOLERANCES[kind] if tolerance is None else tolerance)
    pictures = ImageSet(images, seed, ids)
    if kind == "ssim":
        check_sizes(pictures.shape, pictures.shape)
    trials = _Trials(dial, pictures, kind, target, margin)
    found = {side: _search(trials, side) for side in dial.sides(between)}
    reached = [value for value in found.values() if value is not None]
    if not reached:
        raise _not_reached(trials, tuple(found))
    if len(reached) > 1:
        raise ValueError(
            f"{operation} has {trials.goal} on both sides of {dial.name}={dial.identity:g}, at"
            f" {' and '.join(f'{value:g}' for value in reached)}; add"
            f" {' or '.join(map(_part, found))}"
        )
    return trials.result(reached[0])


def _target(psnr: float | None, ssim: float | None) -> tuple[str, float]:
    if (psnr is None) == (ssim is None):
        given = "neither" if psnr is None else "both"
        raise ValueError(f"give psnr (dB) or ssim as the target, got {given}; for example psnr=25")
    kind, target = ("psnr", psnr) if ssim is None else ("ssim", ssim)
    try:
        number = float(target)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (kind == "ssim" and not -1 <= number <= 1):
        allowed = "a number of dB" if kind == "psnr" else "a number up to 1"
        raise ValueError(f"{kind}={target}: the target must be {allowed}")
    return kind, number


def _positive(tolerance: float) -> float:
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance} must be above 0")
    return float(tolerance)


class _Trials:
    """The values tried so far, each measured once."""

    def __init__(
        self, dial: Dial, images: ImageSet, kind: str, target: float, tolerance: float
    ) -> None:
        self.dial, self.images, self.kind = dial, images, kind
        self.target, self.tolerance = target, tolerance
        self.digits = _digits(tolerance / TOLERANCES[kind])
        self._found: dict[float, Damage] = {}

    def damage(self, value: float) -> Damage:
        """Measure a value, or remember what it gave."""
        if value not in self._found:
            structure = self.kind == "ssim"
            self._found[value] = self.images.damage(self.dial.write(value), structure=structure)
        return self._found[value]

    def difference(self, value: float) -> float:
        """Give the measure less the target: positive where milder."""
        found = getattr(self.damage(value), self.kind)
        return (_NO_LIMIT if found is None else found) - self.target

    def excess(self, value: float) -> float:
        """Give the difference, 0 within the tolerance."""
        difference = self.difference(value)
        return 0.0 if abs(difference) <= self.tolerance else difference

    def nearest(self, side: Side) -> float:
        """Pick the best of the values tried on a side."""
        ends = sorted((side.value(side.least), side.value(side.most)))
        tried = (value for value in self._found if ends[0] <= value <= ends[1])
        return min(tried, key=lambda value: abs(self.difference(value)))

    def text(self, value: float) -> str:
        """Write a value with what it gives, for messages."""
        found = getattr(self.damage(value), self.kind)
        amount = "no change" if found is None else f"{found:.4g}{UNITS[self.kind]}"
        return f"{amount} ({self.dial.name}={value:.4g})"

    @property
    def goal(self) -> str:
        """Name the target, for messages."""
        return f"a mean {self.kind.upper()} of {self.target:g}{UNITS[self.kind]}"

    @property
    def values(self) -> list[float]:
        """List what was tried, the smallest first."""
        return sorted(self._found)

    def result(self, value: float) -> EqualDamage:
        """Tell all that is known of a value."""
        condition = parse(self.dial.write(value)).name
        damage = self.images.damage(condition, structure=True)
        excess = self.excess(value)
        return EqualDamage(
            condition=condition,
            parameter=self.dial.name,
            value=int(value) if self.dial.step else value,
            psnr=damage.psnr,
            ssim=damage.ssim,
            exact=excess == 0,
            side="" if excess == 0 else "milder" if excess > 0 else "stronger",
            unchanged=damage.unchanged,
        )


def _digits(share: float) -> int:
    """Choose how many digits a value needs, by the tolerance as a share of the default."""
    more = math.ceil(-math.log10(share))
    return min(max(_LEAST_DIGITS, _LEAST_DIGITS + more), _MOST_DIGITS)


def _search(trials: _Trials, side: Side) -> float | None:
    """Find the value on one side that comes nearest; `None` if the target is beyond both ends."""
    ends = [trials.excess(side.value(offset)) for offset in (side.least, side.most)]
    if ends[0] * ends[1] > 0:
        return None
    if 0 not in ends:
        (_bisect if side.step else _close_in)(trials, side)
    return trials.nearest(side)


def _bisect(trials: _Trials, side: Side) -> None:
    first, last = 0, round(side.most / side.step)
    milder = trials.excess(side.value(first * side.step)) > 0
    while last - first > 1:
        middle = (first + last) // 2
        if (trials.excess(side.value(middle * side.step)) > 0) == milder:
            first = middle
        else:
            last = middle


def _close_in(trials: _Trials, side: Side) -> None:
    """Try values until one is near enough, or two that are almost equal enclose a jump."""
    from scipy.optimize import brentq  # slow import, needed here only

    # PSNR is nearly linear in the logarithm of the distance from the identity.
    ends = {math.log(offset): offset for offset in (side.least, side.most)}

    def excess(logarithm: float) -> float:
        rounded = float(f"{math.exp(logarithm):.{trials.digits - 1}e}")
        offset = ends.get(logarithm, min(max(rounded, side.least), side.most))
        return trials.excess(side.value(offset))

    brentq(excess, *ends, xtol=10.0 ** -(trials.digits + 1), maxiter=_MOST_TRIALS, disp=False)


def _not_reached(trials: _Trials, sides: Sequence[Side]) -> ValueError:
    """Tell an unreachable target from a measure that falls and rises again."""
    dial = trials.dial
    for side in sides:
        for share in (*np.linspace(0, 1, _SCANNED), *np.geomspace(_NEAREST, 1, _SCANNED)):
            offset = side.least + (side.most - side.least) * float(share)
            whole = round(offset / side.step) * side.step if side.step else offset
            trials.excess(side.value(whole))
    values = trials.values
    turn = max(values, key=lambda value: -trials.difference(value) * trials.difference(values[0]))
    if trials.difference(turn) * trials.difference(values[0]) <= 0:
        shown = ", ".join(map(trials.text, (values[0], turn, values[-1])))
        parts = f"between=({values[0]:.4g}, {turn:.4g}) or between=({turn:.4g}, {values[-1]:.4g})"
        return ValueError(
            f"{dial.subject} does not do steadily more damage along its {dial.name}: {shown};"
            f" for {trials.goal} add {parts}"
        )
    least, most = (pick(values, key=trials.difference) for pick in (min, max))
    return ValueError(
        f"no {dial.name} of {dial.subject} gives these images {trials.goal}: it runs from"
        f" {trials.text(least)} to {trials.text(most)}; choose a target within"
    )


def _part(side: Side) -> str:
    low, high = sorted((side.start, side.value(side.most)))
    return f"between=({low:g}, {high:g})"
