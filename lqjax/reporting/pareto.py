"""Which points nothing else beats."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """List the points that no other beats, from the cheapest to the dearest.

    One point beats another if it costs no more and is worth no less, and is better in one of both.

    Args:
      points: name -> (cost, worth).

    >>> pareto_front({"a": (1.0, 0.7), "b": (2.0, 0.9), "c": (3.0, 0.8)})
    ['a', 'b']
    """
    beaten = {
        name
        for (name, (cost, worth)), other in product(points.items(), points.values())
        if other != (cost, worth) and other[0] <= cost and other[1] >= worth
    }
    return sorted((name for name in points if name not in beaten), key=lambda name: points[name])
