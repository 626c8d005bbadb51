"""Which 64-bit hashes differ in few bits: exact, without comparing all with all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

HASH_BITS = 64
PAIRS_AT_ONCE = 2**21
"""Pairs held in memory together, 16 bytes each. The result does not depend on it."""


@dataclass(frozen=True)
class Neighbours:
    """What the search found.

    Attributes:
      groups: number of the group of each hash; hashes of one group are joined by a chain of
        steps of at most the distance asked for.
      nearest: bits to the nearest other hash of the group, 0 for an equal one; -1 alone.
    """

    groups: Int[np.ndarray, " hashes"]
    nearest: Int[np.ndarray, " hashes"]


def neighbours(hashes: UInt64[np.ndarray, " hashes"], distance: int) -> Neighbours:
    """Group the hashes that differ in at most `distance` bits.

    Two such hashes agree in one of `distance + 1` bands at least, by the pigeonhole principle: only
    hashes with one band in common are compared. Equal hashes are compared once.

    Raises:
      ValueError: a distance below 0 or of `HASH_BITS` and more.

    Source: Manku, Jain and Das Sarma 2007, "Detecting near-duplicates for web crawling".
    """
    if not 0 <= distance < HASH_BITS:
        raise ValueError(f"distance={distance} is not possible; allowed: 0 to {HASH_BITS - 1} bits")
    unique, places, counts = np.unique(
        np.asarray(hashes, np.uint64), return_inverse=True, return_counts=True
    )
    groups = np.arange(len(unique))
    nearest = np.full(len(unique), HASH_BITS + 1)
    for first, second in candidates(unique, distance):
        bits = np.bitwise_count(unique[first] ^ unique[second]).astype(np.int64)
        close = bits <= distance
        first, second, bits = first[close], second[close], bits[close]
        np.minimum.at(nearest, first, bits)
        np.minimum.at(nearest, second, bits)
        groups = _joined(groups, first, second)
    nearest[counts > 1] = 0
    nearest[nearest > HASH_BITS] = -1
    return Neighbours(groups[places], nearest[places])


def bands(distance: int) -> list[tuple[int, int]]:
    """Cut the bits into `distance + 1` bands: (first bit, number of bits) of each."""
    ends = np.linspace(0, HASH_BITS, distance + 2).round().astype(int).tolist()
    return [(start, end - start) for start, end in itertools.pairwise(ends)]


def candidates(
    unique: UInt64[np.ndarray, " hashes"], distance: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pairs that agree in a band, some at a time; a pair may come several times."""
    if not distance:
        return
    for start, width in bands(distance):
        band = (unique >> np.uint64(start)) & np.uint64(2**width - 1)
        order = np.argsort(band, kind="stable")
        ordered = band[order]
        # Of each place in the order: how many places of the same band follow.
        ends = np.searchsorted(ordered, ordered, side="right")
        following = ends - np.arange(len(ordered)) - 1
        yield from _pairs(order, following)


def _pairs(order: np.ndarray, following: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair each place with those that follow it in its band."""
    total = np.concatenate([[0], np.cumsum(following)])
    for start in range(0, int(total[-1]), PAIRS_AT_ONCE):
        pair = np.arange(start, min(start + PAIRS_AT_ONCE, int(total[-1])))
        place = np.searchsorted(total, pair, side="right") - 1
        yield order[place], order[place + 1 + (pair - total[place])]


def _joined(groups: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Join the groups of pairs."""
    if not first.size:
        return groups
    count = int(groups.max()) + 1
    links = coo_array((np.ones(len(first), bool), (groups[first], groups[second])), (count, count))
    return connected_components(links, directed=False)[1][groups]
