"""The answer in one sentence, and what it covers in another."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.advising.advice import CHOSEN, NONE
from lqjax.advising.changing import probability
from lqjax.advising.deciding import Decision
from lqjax.advising.drawing import Draws
from lqjax.advising.needs import Needs
from lqjax.advising.screening import Exclusion
from lqjax.reporting.fold_correction import sharing_in_words
from lqjax.reporting.formatting import percent, points, with_interval
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration


def answer(decision: Decision, needs: Needs, caveats: str) -> str:
    """Put a decision into words; what is amiss with the networks comes first."""
    start = f"{caveats}. As they stand, " if caveats else ""
    if decision.outcome == NONE:
        return f"{start}{_none(decision, needs)}"
    if decision.outcome == CHOSEN:
        return f"{start}{_chosen(decision, needs)}"
    return f"{start}{_undecided(decision, needs)}"


def _chosen(decision: Decision, needs: Needs) -> str:
    first = decision.standings[0]
    sure = probability(decision.probability)
    floor = f" and meets the floor of {percent(needs.floor_accuracy)} %"
    if not needs.floor_accuracy:
        floor = ""
    if decision.margin is None:
        meets = f"; it{floor.removeprefix(' and')} with probability {sure}" if floor else ""
        return (
            f"take {first.model}, the only admissible network: {with_interval(first.accuracy)} % of"
            f" the images in use are classified correctly{meets}."
        )
    return (
        f"take {first.model}: {with_interval(first.accuracy)} % of the images in use are classified"
        f" correctly, {points(decision.margin)} more than by {decision.runner_up}; the probability"
        f" that it is the best of the admissible networks{floor}"
        f" is {sure}."
    )


def _undecided(decision: Decision, needs: Needs) -> str:
    first, floor = decision.standings[0], f"the floor of {percent(needs.floor_accuracy)} %"
    text = (
        f"not decided: {first.model} comes first with {with_interval(first.accuracy)} % of the"
        " images in use classified correctly"
    )
    if decision.probability >= needs.certainty:
        return f"{text}, but is not shown to have learned anything."
    claim = f"it meets {floor}"
    if decision.margin is not None:
        text += f", {points(decision.margin)} more than {decision.runner_up}"
        meets = f" and meets {floor}" if needs.floor_accuracy else ""
        claim = f"it is the best of the admissible networks{meets}"
    return (
        f"{text}; the probability that {claim} is {probability(decision.probability)}, and"
        f" {probability(needs.certainty)} is asked for."
    )


def _none(decision: Decision, needs: Needs) -> str:
    first = decision.standings[0]
    count = len(decision.standings)
    which = "the one admissible network misses" if count == 1 else "all admissible networks miss"
    return (
        f"none: {which} the floor of {percent(needs.floor_accuracy)} % (probability"
        f" {probability(decision.probability)}); the best is {first.model} with"
        f" {with_interval(first.accuracy)} %."
    )


def coverage(study: Study, draws: Draws) -> str:
    """Say what was drawn again for the probabilities, and what not."""
    if study.folds > 1:
        return (
            "Probabilities and intervals are from the spread over folds (t, Nadeau and Bengio):"
            f" they cover other images and training anew. {sharing_in_words(study)}"
        )
    units = "groups of test images" if study.groups is not None else "test images"
    fixed = [model for model in draws.models if model not in draws.redrawn]
    runs = f", and the training runs of {enumeration(draws.redrawn)}" if draws.redrawn else ""
    text = f"Drawn again {len(draws.drawn):,} times: {units}, the same for all networks{runs}."
    if fixed:
        text += f" What another training of {enumeration(fixed)} would give is not covered."
    return text


def nothing_left(excluded: Sequence[Exclusion]) -> str:
    """Answer where every network is left out."""
    reasons = [f"{each.model}: {enumeration(each.reasons)}" for each in excluded]
    return f"none: no network is admissible; {'; '.join(reasons)}."
