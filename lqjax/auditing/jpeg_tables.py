"""From the quantisation tables of a JPEG file to the quality that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from lqjax.imaging.jpeg_codec import CHROMINANCE_TABLE, LUMINANCE_TABLE

BEST, MIDDLE = 100, 50
"""Qualities: the highest, and that of the standard's own tables."""

LARGEST_ENTRY = 255
"""Of tables with 8 bits an entry, which libjpeg keeps to (baseline)."""


KEPT = 1024
"""Tables whose quality is remembered: the files of a data set have few different ones."""


class Quality(NamedTuple):
    """The quality of a file.

    Attributes:
      quality: 1 to 100.
      exact: whether libjpeg would write just these tables at it.
    """

    quality: int
    exact: bool


def nearest_quality(tables: Mapping[int, Sequence[int]]) -> Quality:
    """Find the quality at which libjpeg's tables are most like those of a file.

    Likeness is the mean absolute logarithm of the ratios of the entries: a table of another
    program is as good as the standard one that divides as finely.

    Args:
      tables: by number, 64 entries each, row by row, at least one: the first is taken for that of
        luminance, the second for that of chrominance; others do not count.

    Source: libjpeg-turbo, jcparam.c (jpeg_set_quality, baseline).
    """
    return _nearest(tuple(tuple(tables[number]) for number in sorted(tables)[:2]))


@lru_cache(KEPT)
def _nearest(tables: tuple[tuple[int, ...], ...]) -> Quality:
    found = np.asarray(tables, np.float64)
    standard = _scaled_tables()[:, : len(found)]
    ratios = np.abs(np.log(np.maximum(found, 1) / standard))
    best = int(np.argmin(ratios.mean((1, 2))))
    return Quality(best + 1, bool((standard[best] == found).all()))


@cache
def _scaled_tables() -> np.ndarray:
    """Scale both tables to every quality: (100, 2, 64)."""
    quality = np.arange(1, BEST + 1)
    scale = np.where(quality < MIDDLE, 100 * MIDDLE // quality, 2 * (BEST - quality))
    base = np.stack([LUMINANCE_TABLE.reshape(-1), CHROMINANCE_TABLE.reshape(-1)])
    scaled = (base[None] * scale[:, None, None] + MIDDLE) // BEST
    return np.clip(scaled, 1, LARGEST_ENTRY).astype(np.float64)
