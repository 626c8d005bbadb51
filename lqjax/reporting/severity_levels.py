"""Conditions gathered by how severe their suite calls them."""

from __future__ import annotations

from collections.abc import Iterable

from lqjax.reporting.conditions import Condition, level_rank


def by_level(conditions: Iterable[Condition]) -> dict[str, list[Condition]]:
    """Group conditions by severity level, mildest first; those without a level are left out.

    Levels of different suites are different: they are named with their suite where there are
    several ("low_quality, low").
    """
    levelled = [condition for condition in conditions if condition.level]
    suites = list(dict.fromkeys(suite_of(condition) for condition in levelled))
    groups: dict[tuple[str, str], list[Condition]] = {}
    for condition in levelled:
        groups.setdefault((suite_of(condition), condition.level), []).append(condition)
    ordered = sorted(groups, key=lambda key: (suites.index(key[0]), level_rank(key[1])))
    return {
        f"{suite}, {level}" if len(suites) > 1 else level: groups[suite, level]
        for suite, level in ordered
    }


def suite_of(condition: Condition) -> str:
    """Name the suite of a condition: "low_quality" of "low_quality/jpeg@high"; may be empty."""
    return condition.family.rpartition("/")[0]
