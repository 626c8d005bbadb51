"""What degradation costs the models, in words: who loses, who gains, and who fares better."""

from __future__ import annotations

from collections.abc import Mapping

from lqjax.metrics.interval import Estimate
from lqjax.reporting.formatting import interval, percent, points
from lqjax.textlists import enumeration


def drops_in_words(
    drops: Mapping[str, Estimate], pair: tuple[str, str], gap: Estimate | None
) -> str:
    """Say what each model loses from clean to degraded images, and whether two of them differ.

    Args:
      drops: clean less degraded accuracy by model.
      pair: leader and runner-up.
      gap: drop of the runner-up less that of the leader; `None` without a runner-up.
    """
    changes = [f"{model} {change(drop)}" for model, drop in drops.items()]
    text = f"From clean to degraded images {enumeration(changes)}."
    if gap is None or not gap.is_bounded():
        return text
    leader, other = pair
    if not gap.excludes_zero():
        return (
            f"{text} No difference between {leader} and {other} is shown in this: the loss of"
            f" {other} minus that of {leader} is {points(gap)}."
        )
    better, worse = pair if gap.value > 0 else (other, leader)
    size = points(gap if gap.value > 0 else turned(gap))
    if min(drops[leader].value, drops[other].value) > 0:
        return f"{text} {better} loses {size} less than {worse}."
    return f"{text} {better} fares {size} better than {worse}."


def change(drop: Estimate) -> str:
    """Write a drop as a loss or, where it is negative, as a gain: "loses 4.2 points [1.0, 8.3]"."""
    if percent(drop.value) == "0.0":
        return f"changes by {_size(turned(drop))}"
    return f"loses {_size(drop)}" if drop.value > 0 else f"gains {_size(turned(drop))}"


def turned(estimate: Estimate) -> Estimate:
    """Return the estimate of the same difference taken the other way round."""
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _size(estimate: Estimate) -> str:
    ends = f" {interval(estimate)}" if estimate.is_bounded() else ""
    return f"{percent(estimate.value)} points{ends}"
