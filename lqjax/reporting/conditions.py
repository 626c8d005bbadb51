"""The conditions of a report, and the order in which people want to read them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lqjax.rows import Row

CLEAN = "clean"
THEN = ", then "
PARAMETER = "="
LEVELS = ("low", "medium", "high")


@dataclass(frozen=True)
class Condition:
    """One condition under its names.

    Attributes:
      name: canonical text.
      family: what varies in severity; conditions of one family are drawn as one curve.
      level: the suite's level, or empty.
      title: the degradation for people: "motion blur".
      setting: its parameters for people: "length 15 px"; may be empty.
    """

    name: str
    family: str
    level: str
    title: str
    setting: str

    @property
    def degraded(self) -> bool:
        """Tell whether this is anything but the clean images."""
        return self.name != CLEAN

    @property
    def short(self) -> str:
        """Name the condition in a narrow column: "motion blur, medium"."""
        detail = self.level or self.setting
        return f"{self.title}, {detail}" if detail else self.title

    @property
    def full(self) -> str:
        """Name the condition with all that is known: "motion blur, medium (length 15 px)"."""
        if self.level and self.setting:
            return f"{self.short} ({self.setting})"
        return self.short

    @classmethod
    def of(cls, row: Row) -> Condition:
        """Take the names from a row.

        The label is "title, setting", and of a chain "title, setting, then another step"; a level
        that only repeats the parameters ("sigma=0.3") is left out.
        """
        first, then, rest = (row.label or row.condition).partition(THEN)
        title, _, setting = first.partition(", ")
        level = "" if PARAMETER in row.level else row.level
        family = row.family or row.condition
        return cls(row.condition, family, level, title + then + rest, setting)


def in_reading_order(
    rows: Iterable[Row], patterns: Sequence[str], seen: Sequence[str]
) -> tuple[Condition, ...]:
    """Order the conditions: clean first, families as configured, severity rising.

    Args:
      rows: any number per condition.
      patterns: conditions and patterns of the configuration, in its order.
      seen: conditions in the order in which they were evaluated, as far as known.
    """
    found = {row.condition: Condition.of(row) for row in reversed(list(rows))}
    named = sorted(found, key=_natural)
    order = [name for name in dict.fromkeys(seen) if name in found]
    order += [name for name in named if name not in order]
    asked = {name: _first_match(name, patterns) for name in found}
    families: dict[str, tuple[int, int]] = {}
    for position, name in enumerate(order):
        family = found[name].family
        earliest, first = families.get(family, (len(patterns), position))
        families[family] = (min(earliest, asked[name]), first)

    def key(name: str) -> tuple:
        condition = found[name]
        return (
            condition.degraded,
            families[condition.family],
            asked[name],
            level_rank(condition.level),
            order.index(name),
        )

    return tuple(found[name] for name in sorted(found, key=key))


def by_family(conditions: Iterable[Condition]) -> dict[str, list[Condition]]:
    """Group the degraded conditions by family, both in the order given."""
    groups: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.degraded:
            groups.setdefault(condition.family, []).append(condition)
    return groups


def _first_match(name: str, patterns: Sequence[str]) -> int:
    for position, pattern in enumerate(patterns):
        if name == pattern or fnmatch.fnmatchcase(name, pattern):
            return position
    return len(patterns)


def level_rank(level: str) -> float:
    """Place a level among those of its suite: low to high, and numbers by value."""
    if level in LEVELS:
        return LEVELS.index(level)
    try:
        return float(level)
    except ValueError:
        return 0.0


def _natural(name: str) -> list[tuple[int, float, str]]:
    """Sort numbers inside names by their value."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [(1, float(p), "") if i % 2 else (0, 0.0, p) for i, p in enumerate(parts)]
