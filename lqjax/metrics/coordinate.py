"""The coordinate in which a physical parameter is measured: linear or logarithmic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

LINEAR, LOG = "linear", "log"

COORDINATES = (LINEAR, LOG)

FEWEST = 2
"""Levels that span a range."""


def to_coordinate(
    levels: Sequence[float] | np.ndarray, coordinate: str
) -> Float[np.ndarray, " levels"]:
    """Place the levels of a ladder on an axis that rises from the first level to the last.

    Args:
      levels: rising or falling, in the parameter's unit.
      coordinate: "linear" or "log".

    Raises:
      ValueError: another coordinate, fewer than two levels, levels that are not finite or turn
        back, or levels of 0 and below under "log".

    >>> to_coordinate([90, 50, 10], "linear").tolist()
    [-90.0, -50.0, -10.0]
    """
    values = np.asarray(levels, float)
    listing = ", ".join(f"{value:g}" for value in values.ravel())
    if coordinate not in COORDINATES:
        raise ValueError(f"coordinate={coordinate!r} is not possible; allowed: linear, log")
    if values.ndim != 1 or values.size < FEWEST or not np.isfinite(values).all():
        raise ValueError(f"levels {listing} are no ladder; allowed: two or more finite numbers")
    if coordinate == LOG and values.min() <= 0:
        raise ValueError(
            f"levels {listing} have no logarithm; use coordinate='linear', or leave out what is"
            " not above 0"
        )
    steps = np.diff(values)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ValueError(
            f"levels {listing} turn back; order them from the mildest to the strongest, each once"
        )
    places = np.log(values) if coordinate == LOG else values
    return places if steps[0] > 0 else -places


def from_coordinate(place: float, levels: Sequence[float] | np.ndarray, coordinate: str) -> float:
    """Give the level at a place on the axis of `to_coordinate`."""
    signed = place if levels[-1] > levels[0] else -place
    return float(np.exp(signed)) if coordinate == LOG else float(signed)


def natural_coordinate(levels: Sequence[float] | np.ndarray) -> str:
    """Choose the coordinate in which the steps of a ladder are the more even.

    Who spaces levels in equal ratios (10, 20, 40 photons) expects equal ratios to matter alike.
    Between two levels the curve is drawn straight, and it is straightest where the levels were
    placed evenly.

    >>> natural_coordinate([10, 20, 40, 80]), natural_coordinate([90, 80, 70, 60])
    ('log', 'linear')
    """
    values = np.asarray(levels, float)
    if values.min() <= 0:
        return LINEAR
    return LOG if _unevenness(np.log(values)) < _unevenness(values) else LINEAR


def _unevenness(places: np.ndarray) -> float:
    steps = np.abs(np.diff(places))
    return float(steps.std() / steps.mean())
