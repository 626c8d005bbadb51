"""Where no network does better than one that always gives the same answer: in words."""

from __future__ import annotations

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import Condition
from lqjax.reporting.formatting import percent
from lqjax.reporting.study import Study

MOST_NAMED = 6
"""Conditions that the sentence names."""


def no_better_than_one_answer(study: Study, comparison: Comparison) -> str:
    """Name the degraded conditions in which all networks are as bad as that; else empty.

    A gap between two such networks is no sign that either recognises the classes.
    """
    found = [c for c in comparison.shared if _highest(study, c) <= study.commonest_share]
    if not found:
        return ""
    named = [c.short for c in found[:MOST_NAMED]]
    more = len(found) - len(named)
    listed = "; ".join([*named, *([f"and {more} more"] if more else [])])
    who = "No network does" if len(study.models) > 1 else "The network does not do"
    return (
        f"{who} better than always answering the commonest class"
        f" ({percent(study.commonest_share)} %) under: {listed}. In the mean of the"
        " degraded these conditions count like all others."
    )


def _highest(study: Study, condition: Condition) -> float:
    return max(float(study.correct(model, condition).mean()) for model in study.models)
