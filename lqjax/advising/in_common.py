"""What a choice is made between, and from: one entry a network, conditions that all share."""

from __future__ import annotations

from lqjax.reporting.conditions import Condition
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

MOST_NAMED = 4
"""Conditions that a sentence names."""


def in_common(study: Study) -> tuple[Condition, ...]:
    """Return the conditions from which a mixture is made where none is given.

    Those that every network finished; one that finished no degraded condition, while others did,
    does not count. Were they those of any network, one that was tested under more than the others
    would be the only one that has all.

    Raises:
      ValueError: there is none.
    """
    tested = [
        model
        for model in study.models
        if any(c.degraded and study.finished(model, c) for c in study.conditions)
    ] or list(study.models)
    shared = tuple(c for c in study.conditions if all(study.finished(m, c) for m in tested))
    degraded = any(c.degraded and study.finished(m, c) for m in tested for c in study.conditions)
    if not shared or (degraded and not any(c.degraded for c in shared)):
        raise ValueError(
            f"mixture: no {'degraded ' if degraded else ''}condition was finished by all of"
            f" {enumeration(tested)}; give --mixture, or run --mode=evaluate where some are missing"
        )
    return shared


def left_out(study: Study, shared: tuple[Condition, ...]) -> str:
    """Name the degraded conditions that are not shared; empty where all are. No full stop."""
    names = [c.name for c in study.conditions if c.degraded and c not in shared]
    if not names:
        return ""
    more = len(names) - MOST_NAMED
    listed = [*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"Not in the mixture, since not every network was tested there: {enumeration(listed)}"


def standing_in(study: Study) -> str:
    """Say which learning rates are left out; empty where a network has one. No full stop."""
    kept = contenders(study)
    out = [model for model in study.models if model not in kept]
    if not out:
        return ""
    verb = "is" if len(out) == 1 else "are"
    return (
        f"Of each network the learning rate that is best by validation is considered;"
        f" {enumeration(out)} {verb} not"
    )
