"""Whether the measured rows decide between the admissible models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lqjax.advising.advice import CHOSEN, NONE, UNDECIDED, Standing
from lqjax.advising.certainty import (
    best_in,
    meets_in,
    most_certain_best,
    most_certain_meeting,
    most_certain_missing,
)
from lqjax.advising.drawing import Draws
from lqjax.advising.needs import Needs
from lqjax.advising.screening import Price
from lqjax.metrics.interval import Estimate


@dataclass(frozen=True)
class Decision:
    """The numbers of an answer; names as in `Advice`."""

    outcome: str
    probability: float
    standings: tuple[Standing, ...]
    margin: Estimate | None

    @property
    def leader(self) -> str:
        """The model with the highest expected accuracy."""
        return self.standings[0].model

    @property
    def runner_up(self) -> str:
        """The second; empty without one."""
        return self.standings[1].model if len(self.standings) > 1 else ""


def decide(
    draws: Draws, admissible: tuple[str, ...], needs: Needs, costs: Mapping[str, Price]
) -> Decision:
    """Decide between the admissible models, at least one.

    The choice is the model of highest expected accuracy. It is right in a draw if there, too, it is
    the best (of equals an equal part) and meets the floor.
    """
    standings = tuple(
        sorted(
            (_standing(draws, model, admissible, needs, costs[model]) for model in admissible),
            key=lambda standing: -standing.accuracy.value,
        )
    )
    leader = standings[0].model
    margin = draws.gap(leader, standings[1].model) if len(standings) > 1 else None
    missing = _none_meets(draws, admissible, needs)
    if missing >= needs.certainty:
        return Decision(NONE, missing, standings, margin)
    right = best_in(draws, leader, admissible)
    if needs.floor_accuracy:
        right = right * meets_in(draws, leader, needs.floor_accuracy)
    most = [standings[0].best, standings[0].meets_floor]
    probability = min(float(right.mean()), *(bound for bound in most if bound is not None))
    outcome = CHOSEN if probability >= needs.certainty else UNDECIDED
    return Decision(outcome, probability, standings, margin)


def _standing(
    draws: Draws, model: str, admissible: tuple[str, ...], needs: Needs, price: Price
) -> Standing:
    best = float(best_in(draws, model, admissible).mean())
    meets, floor = None, needs.floor_accuracy
    if floor:
        meets = float(meets_in(draws, model, floor).mean())
        meets = min(meets, most_certain_meeting(draws, floor))
    return Standing(
        model,
        draws.accuracy(model),
        min(best, most_certain_best(draws, model, admissible)),
        meets,
        price.latency_ms,
        price.memory_mib,
    )


def _none_meets(draws: Draws, admissible: tuple[str, ...], needs: Needs) -> float:
    """Return the probability that no admissible model meets the floor."""
    floor = needs.floor_accuracy
    if not floor:
        return 0.0
    missed = ~meets_in(draws, admissible[0], floor)
    for model in admissible[1:]:
        missed &= ~meets_in(draws, model, floor)
    return min(float(missed.mean()), most_certain_missing(draws, floor))
