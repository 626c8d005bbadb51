"""What is said beside the most confident mistakes: whose they are, and of which runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lqjax.reporting.pictures import Mistake
from lqjax.textlists import enumeration

CONFIDENCE = "Percentages are the networks' own confidence."


def about_mistakes(mistakes: Sequence[Mistake], folds: bool, elsewhere: Sequence[str] = ()) -> str:
    """Say whose mistakes are shown, working directory by working directory.

    Args:
      mistakes: at least one.
      folds: whether there are several.
      elsewhere: models of which the report has no pictures.
    """
    by_source: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        by_source.setdefault(mistake.source, []).append(mistake)
    parts = []
    if len(by_source) > 1 and _own_networks(mistakes):
        runs = {m.model: f"{m.model} ({_run(m, folds)})" for m in mistakes}
        parts.append(f"The surest mistakes of {enumeration(list(runs.values()))}.")
        by_source = {}
    for source, found in by_source.items():
        run = _run(found[0], folds)
        place = f"{source} ({run})" if source else run
        parts.append(f"From {place}: {_whose(found)}.")
    parts.append("They are of clean images and of the hardest condition of a few degradations.")
    parts.append(CONFIDENCE)
    if elsewhere:
        parts.append(f"Of {enumeration(elsewhere)} no pictures are kept.")
    return " ".join(parts)


def _own_networks(mistakes: Sequence[Mistake]) -> bool:
    """Tell whether each working directory has a network of its own, and no other."""
    models = {(mistake.source, mistake.model) for mistake in mistakes}
    one_each = len({s for s, _ in models}) == len({m for _, m in models}) == len(models)
    return one_each and not any(mistake.other for mistake in mistakes)


def _run(mistake: Mistake, folds: bool) -> str:
    return f"seed {mistake.seed}{f', fold {mistake.fold}' if folds else ''}"


def mistakes_caption(mistakes: Sequence[Mistake]) -> str:
    """Say what the figure shows."""
    text = "The most confident wrong answers: what the network in bold saw, and took it for"
    if any(mistake.other for mistake in mistakes):
        text += "; below each what the other network answered to the same picture"
    return f"{text}."


def _whose(mistakes: Sequence[Mistake]) -> str:
    """Name the network whose surest mistakes come first, then the one that is wrong alone."""
    models = list(dict.fromkeys(mistake.model for mistake in mistakes))
    first = _first(mistakes)
    if not first:
        return f"the surest mistakes of {enumeration(models)}"
    others = [model for model in models if model != first]
    alone = f", then those that {others[0]} alone makes" if others else ""
    return f"the surest mistakes of {first}{alone}"


def _first(mistakes: Sequence[Mistake]) -> str:
    """Return the network whose mistakes were chosen first; empty where they do not tell.

    The second is shown only where the first is right: who is wrong together with the other, or
    stands before it in a condition, is the first.
    """
    for mistake in mistakes:
        if not mistake.other or mistake.other_given != mistake.true:
            return mistake.model
    for before, after in pairwise(mistakes):
        if before.condition == after.condition and before.model != after.model:
            return before.model
    return ""
