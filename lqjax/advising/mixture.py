"""What the images will look like in use: shares of measured conditions."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lqjax.registry import nearest_first
from lqjax.reporting.conditions import Condition, by_family
from lqjax.textlists import split_list

MOST_LISTED = 12
"""Conditions that a message lists, the nearest first."""


@dataclass(frozen=True)
class Entry:
    """One kind of image.

    Attributes:
      name: a condition, or a pattern, as the user wrote it.
      share: of all images, in [0, 1]; spread evenly over the conditions.
      conditions: names of what it stands for, at least one.
    """

    name: str
    share: float
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Mixture:
    """Kinds of images whose shares add up to 1; no condition is in two of them."""

    entries: tuple[Entry, ...]

    @property
    def shares(self) -> dict[str, float]:
        """The share of each condition."""
        return {c: e.share / len(e.conditions) for e in self.entries for c in e.conditions}


def read_mixture(wanted: str | Mapping[str, float], conditions: Sequence[Condition]) -> Mixture:
    """Read weights of conditions and patterns, and bring their sum to 1.

    Args:
      wanted: "clean=0.5,low_quality/jpeg@*=0.3", or weights by name. Nothing stands for all
        degraded conditions alike; for clean images where there is no other condition.
      conditions: all that were measured; where nothing is wanted, those that all networks share.

    Raises:
      ValueError: an entry without a weight, a weight that is not above 0, a name that nothing
        measured matches, or a condition that two entries match.
    """
    weights = _weights(wanted) if isinstance(wanted, str) else dict(wanted)
    if not weights:
        return _alike(conditions)
    total = sum(_checked(name, weight) for name, weight in weights.items())
    entries: list[Entry] = []
    for name, weight in weights.items():
        matched = _matching(name, [c.name for c in conditions])
        for other in entries:
            both = [c for c in matched if c in other.conditions]
            if both:
                raise ValueError(
                    f"mixture: {both[0]} is in {other.name!r} and in {name!r}; give each condition"
                    " one weight"
                )
        entries.append(Entry(name, weight / total, matched))
    return Mixture(tuple(entries))


def _alike(conditions: Sequence[Condition]) -> Mixture:
    """Give all degraded conditions the same share, one entry for each family."""
    families = by_family(conditions) or {c.name: [c] for c in conditions}
    count = sum(map(len, families.values()))
    return Mixture(
        tuple(
            Entry(family, len(found) / count, tuple(c.name for c in found))
            for family, found in families.items()
        )
    )


def _weights(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in split_list(text):
        name, equals, weight = part.rpartition("=")
        name = name.strip()
        try:
            value = float(weight)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise ValueError(f"mixture: {part!r} has no weight; write {part.split('=')[0]}=0.5")
        if name in found:
            raise ValueError(f"mixture: {name!r} stands there twice; give it one weight")
        found[name] = value
    return found


def _checked(name: str, weight: float) -> float:
    if (
        isinstance(weight, bool)
        or not isinstance(weight, (int, float))
        or not (0 < weight < math.inf)
    ):
        raise ValueError(f"mixture: {name}={weight} is not possible; allowed: a number above 0")
    return weight


def _matching(name: str, measured: Sequence[str]) -> tuple[str, ...]:
    found = tuple(c for c in measured if c == name or fnmatch.fnmatchcase(c, name))
    if not found:
        near = nearest_first(name, tuple(measured))
        more = ", ..." if len(near) > MOST_LISTED else ""
        raise ValueError(
            f"mixture: no measured condition is {name!r}; measured: {', '.join(near[:MOST_LISTED])}"
            f"{more}"
        )
    return found
