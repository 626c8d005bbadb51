"""The severities of one degradation along an axis: mildest first, with what they are physically."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import Study

NUMBER = re.compile(r"(?<![\w.])([-+]?\d+(?:[.,]\d+)*)")
PART, BETWEEN = ", ", " / "
MOST_VALUES = 2
"""Parameters that vary together and are still written below one tick."""

SEVERITY = "severity"
CLEAN = "clean"
UNNAMED = "degraded"
WIDEST_TEXT, MOST_LINES = 12, 3


@dataclass(frozen=True)
class SeverityAxis:
    """How the severities of one degradation are written below its curve.

    Attributes:
      title: of the axis: "length, px", or "severity" where no parameter can be named.
      ticks: one per condition; the level with the parameter below it, as far as both are known.
    """

    title: str
    ticks: tuple[str, ...]


def mild_to_severe(study: Study, family: Sequence[Condition]) -> list[Condition]:
    """Order the conditions of a degradation by their damage.

    Levels of a suite are in order already. Settings are as the user wrote them, in any order: these
    go by falling PSNR where it was measured for all, and stay as they are where it was not.
    """
    if any(condition.level for condition in family):
        return list(family)
    damage = {row.condition: row.psnr for row in study.rows if row.psnr is not None}
    if not all(condition.name in damage for condition in family):
        return list(family)
    return sorted(family, key=lambda condition: damage[condition.name], reverse=True)


def severity_axis(conditions: Sequence[Condition]) -> SeverityAxis:
    """Name the axis and the ticks of one family, the clean images among them or not.

    Of the settings only the numbers that vary stand below the ticks, and what they are on the axis:
    "length 5 px" and "length 15 px" become "5" and "15" on an axis "length, px".
    """
    degraded = [condition for condition in conditions if condition.degraded]
    title, values = varying([condition.setting for condition in degraded])
    written = dict(zip((c.name for c in degraded), values, strict=True))
    ticks = tuple(_tick(condition, written.get(condition.name, "")) for condition in conditions)
    return SeverityAxis(title or SEVERITY, ticks)


def varying(settings: Sequence[str]) -> tuple[str, list[str]]:
    """Split settings into what they are about and the numbers that vary.

    Returns:
      the name, and one text per setting; all empty where the settings differ in more than
      `MOST_VALUES` numbers or in words.

    >>> varying(["kernel 3 px, sigma 1", "kernel 9 px, sigma 3"])
    ('kernel, px / sigma', ['3 / 1', '9 / 3'])
    >>> varying(["60 photons at white", "5 photons at white"])
    ('photons at white', ['60', '5'])
    """
    nothing = "", [""] * len(settings)
    split = [[NUMBER.split(part) for part in setting.split(PART)] for setting in settings]
    if len({tuple(tuple(part[::2]) for part in parts) for parts in split}) != 1:
        return nothing
    names, columns = [], []
    for parts in zip(*split, strict=True):
        places = _varying_places(parts)
        if len(places) > 1:
            return nothing
        for place in places:
            columns.append([part[place] for part in parts])
            before, after = parts[0][:place], parts[0][place + 1 :]
            names.append(PART.join(filter(None, ("".join(x).strip() for x in (before, after)))))
    if not 0 < len(names) <= MOST_VALUES or not all(names):
        return nothing
    return BETWEEN.join(names), [BETWEEN.join(values) for values in zip(*columns, strict=True)]


def _varying_places(parts: Iterable[Sequence[str]]) -> list[int]:
    """Return where the numbers stand that differ; of a single setting, all of them."""
    given = list(parts)
    places = range(1, len(given[0]), 2)
    return [place for place in places if len(given) == 1 or len({p[place] for p in given}) > 1]


def _tick(condition: Condition, value: str) -> str:
    if not condition.degraded:
        return CLEAN
    if condition.level or value:
        return "\n".join(filter(None, [condition.level, value]))
    return "\n".join(textwrap.wrap(condition.setting or UNNAMED, WIDEST_TEXT)[:MOST_LINES])
