"""What would change the answer, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np

from lqjax.advising.advice import NONE, UNDECIDED, Standing
from lqjax.advising.deciding import Decision
from lqjax.advising.drawing import Draws
from lqjax.advising.needs import Needs
from lqjax.advising.screening import Exclusion
from lqjax.advising.turning import Turn
from lqjax.reporting.formatting import percent, points, significant
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

MOST_TURNS = 4
MOST_TIMES_THE_IMAGES = 100
"""Test sets larger by more than this factor are not worth naming."""


def changes(
    study: Study,
    decision: Decision,
    draws: Draws,
    needs: Needs,
    excluded: Sequence[Exclusion],
    found: Sequence[Turn],
) -> Iterator[str]:
    """Yield sentences: constraints, the floor, other shares, more images, cheaper equals."""
    for exclusion in excluded:
        yield _without(exclusion, decision, draws)
    meets = decision.standings[0].meets_floor
    if meets is not None:
        yield _floor(decision, draws, needs, meets)
    if decision.outcome == NONE:
        return
    yield from _turns(found, decision)
    if decision.outcome == UNDECIDED:
        yield from _images(study, decision, draws, needs)
        yield from _cheaper(decision, needs)


def _without(exclusion: Exclusion, decision: Decision, draws: Draws) -> str:
    reason = f"{exclusion.model} is left out: {enumeration(exclusion.reasons)}"
    if not exclusion.tested:
        return f"{reason}."
    gap = draws.gap(exclusion.model, decision.leader)
    if not gap.excludes_zero():
        return f"{reason}; no difference to {decision.leader} is shown ({points(gap)})."
    if gap.value < 0:
        return f"{reason}; it is behind {decision.leader} anyway ({points(gap)})."
    return f"{reason}; without that it would be ahead of {decision.leader} by {points(gap)}."


def _floor(decision: Decision, draws: Draws, needs: Needs, meets: float) -> str:
    leader, certainty = decision.leader, needs.certainty
    safe = float(np.quantile(draws.column(leader), 1 - certainty))
    return (
        f"The floor of {percent(needs.floor_accuracy)} % is met by {leader} with probability"
        f" {probability(meets)}; one of {percent(safe)} % would be with"
        f" {probability(certainty)}."
    )


def _turns(found: Sequence[Turn], decision: Decision) -> Iterator[str]:
    for turn in found[:MOST_TURNS]:
        side = "more" if turn.share >= turn.now else "less"
        yield (
            f"{turn.model} overtakes {decision.leader}, by the measured means, where {turn.name} is"
            f" {side} than {percent(turn.share)} % of the images (here {percent(turn.now)} %)."
        )
    if not found and decision.runner_up:
        yield (
            f"No other share of any one kind of image that was measured would put another network"
            f" ahead of {decision.leader}."
        )


def _images(study: Study, decision: Decision, draws: Draws, needs: Needs) -> Iterator[str]:
    """Say how many test images would decide if the margin stayed."""
    margin = decision.margin
    only_images = draws.bootstrap is not None
    if margin is None or margin.value <= 0 or not only_images:
        return
    if decision.standings[0].may_miss(needs.certainty):
        return
    spread = float(np.std(draws.column(decision.leader) - draws.column(decision.runner_up)))
    wanted = NormalDist().inv_cdf(needs.certainty)
    times = (wanted * spread / margin.value) ** 2
    if 1 < times <= MOST_TIMES_THE_IMAGES:
        exact = study.n * times
        step = 10 ** max(0, math.floor(math.log10(exact)) - 1)
        yield (
            f"If the margin stayed, about {math.ceil(exact / step) * step:,} test images would"
            f" decide between the first two (there are {study.n:,})."
        )


def _cheaper(decision: Decision, needs: Needs) -> Iterator[str]:
    """Name what costs less than the leader among those that may be as good."""
    leader = decision.standings[0]
    for other in decision.standings[1:]:
        if other.best < 1 - needs.certainty or other.may_miss(needs.certainty):
            continue
        less = list(_savings(other, leader))
        if less:
            yield f"{other.model} may be as good and needs less: {', '.join(less)}."


def _savings(other: Standing, leader: Standing) -> Iterator[str]:
    for mine, its, unit, what in (
        (other.latency_ms, leader.latency_ms, "ms", "latency"),
        (other.memory_mib, leader.memory_mib, "MiB", "memory"),
    ):
        if mine is not None and its is not None and mine < its:
            yield f"{what} {significant(mine)} {unit} instead of {significant(its)} {unit}"


def probability(value: float) -> str:
    """Write a probability with two digits, never as certainty: 0.97, >0.999."""
    if value > 0.9995:
        return ">0.999"
    if value < 0.0005:
        return "<0.001"
    return f"{value:.3f}" if value > 0.99 or value < 0.01 else f"{value:.2f}"
