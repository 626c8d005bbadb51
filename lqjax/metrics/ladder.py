"""A ladder: many levels of one degradation, from mild to strong, in its physical unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from lqjax.metrics.coordinate import from_coordinate, natural_coordinate, to_coordinate

LEAST_LEVELS = 9
"""Levels that an operating envelope needs: with fewer, what is interpolated is mostly assumed."""


@dataclass(frozen=True)
class Ladder:
    """Levels of one parameter, from the mildest to the strongest.

    Attributes:
      parameter: name, for texts: "quality".
      levels: at least `LEAST_LEVELS` of them, rising (sigma) or falling (JPEG quality): the order
        says which end does the damage.
      coordinate: "linear" or "log": in which the curve is straight between two levels; "" for
        the one in which the levels are spaced more evenly.
      unit: for texts; empty for a pure number.

    Raises:
      ValueError: too few levels, levels that turn back, or no such coordinate.
    """

    parameter: str
    levels: tuple[float, ...]
    coordinate: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if len(self.levels) < LEAST_LEVELS:
            raise ValueError(
                f"{self.parameter} has {len(self.levels)} levels; an operating envelope needs"
                f" {LEAST_LEVELS} or more, add levels between the mildest and the strongest"
            )
        # Checks the levels, too.
        to_coordinate(self.levels, self.coordinate or natural_coordinate(self.levels))

    @property
    def axis(self) -> str:
        """The coordinate that is used."""
        return self.coordinate or natural_coordinate(self.levels)

    @property
    def places(self) -> Float[np.ndarray, " levels"]:
        """Levels in the coordinate, rising with the damage."""
        return to_coordinate(self.levels, self.axis)

    def level(self, place: float) -> float:
        """Give the level at a place of the coordinate."""
        return from_coordinate(place, self.levels, self.axis)

    def text(self, level: float) -> str:
        """Write a level as reports do: quality=23, sigma=2.4 px."""
        return f"{self.parameter}={number_text(level)}{f' {self.unit}' if self.unit else ''}"


def ladder(parameter: str, levels: Sequence[float], coordinate: str = "", unit: str = "") -> Ladder:
    """Make a ladder from any sequence of numbers; see `Ladder`."""
    return Ladder(parameter, tuple(float(level) for level in levels), coordinate, unit)


def number_text(level: float) -> str:
    """Write a level with three digits, large ones in full: 23.4, 1230.

    >>> number_text(1234.5)
    '1230'
    """
    return f"{float(f'{level:.3g}'):g}"
