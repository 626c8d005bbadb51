"""Bins of probabilities, of equal width or of equal mass, closed on the right."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

BINS = 15
"""Bins of a reliability diagram. Source: Guo et al. 2017, "On calibration of modern neural
networks"."""


def equal_width_edges(bins: int = BINS) -> Float[np.ndarray, " edges"]:
    """Return the `bins + 1` ends of equal parts of [0, 1].

    Raises:
      ValueError: fewer than one bin.
    """
    _check_bins(bins)
    return np.arange(bins + 1) / bins


def equal_mass_edges(
    values: Float[np.ndarray, " examples"], bins: int = BINS
) -> Float[np.ndarray, " edges"]:
    """Return the `bins + 1` ends of bins that hold equally many of the values.

    The upper end of bin i of M is the value of rank ceil(i N / M): without ties, counts differ by
    at most one. Equal values are never parted: a tie that spans an end belongs to the lower bin,
    and bins may stay empty, so that the order of the examples makes no difference.

    Raises:
      ValueError: fewer than one bin.
    """
    _check_bins(bins)
    ordered = np.sort(values)
    ranks = -(-np.arange(1, bins + 1) * len(ordered) // bins)
    return np.concatenate([ordered[:1], ordered[ranks - 1]])


def bin_index(
    values: Float[np.ndarray, " examples"], edges: Float[np.ndarray, " edges"]
) -> Int[np.ndarray, " examples"]:
    """Return the bin of each value: bin i holds what is above `edges[i]` up to `edges[i + 1]`.

    A value on an edge belongs to the bin below it. The first bin holds its lower end as well.

    >>> bin_index(np.array([0.0, 0.5, 0.6]), np.array([0.0, 0.5, 1.0]))
    array([0, 0, 1])
    """
    return np.searchsorted(edges[1:-1], values, side="left")


def _check_bins(bins: int) -> None:
    if bins < 1:
        raise ValueError(f"bins={bins} is not possible; allowed: 1 or more")
