"""A few pictures of many, by their mean level: whether the same pictures stand in the same places.

What decodes pictures differs by a level here and there between versions; such differences are no
other pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LOOKED_AT = 64
"""How many pictures are looked at: as many as can be read within a second from a disk."""

SAME_LEVELS = 1.0
"""By how many of the 256 levels the mean of a picture may differ and be taken for the same."""


def mean_levels(images: np.ndarray) -> list[float]:
    """Give the mean level, 0 to 255, of `LOOKED_AT` pictures spread evenly over them.

    Args:
      images: uint8, (examples, height, width, channels); may be a memory map.
    """
    count = min(LOOKED_AT, len(images))
    rows = np.unique(np.linspace(0, len(images) - 1, count).round().astype(int))
    return [round(float(np.asarray(images[row]).mean()), 2) for row in rows]


def count_others(before: Sequence[float], now: Sequence[float]) -> int:
    """Count the places at which there is another picture, as far as both go."""
    return sum(abs(one - other) > SAME_LEVELS for one, other in zip(before, now, strict=False))
