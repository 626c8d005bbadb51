"""Pictures that are there twice, and whether their twins are in other splits or classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lqjax.auditing.hamming import neighbours
from lqjax.auditing.table import AuditTable

EXACT, NEAR = "exact", "near"
TESTED_FIRST = ("test", "validation", "train")
"""Whose copy stays: a picture that is tested must not be trained on."""


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures that are the same, or nearly.

    Attributes:
      kind: "exact": equal bytes or equal pixels; "near": hashes that differ in few bits.
      rows: of the table, the one that is kept first.
      distances: bits to the nearest other of the group, by row; 0 for exact ones.
      splits, labels: those that it has, the split of the first row first.
    """

    kind: str
    rows: tuple[int, ...]
    distances: tuple[int, ...]
    splits: tuple[str, ...]
    labels: tuple[int, ...]

    @property
    def leaks(self) -> bool:
        """Tell whether it stands in several splits."""
        return len(self.splits) > 1

    @property
    def conflicts(self) -> bool:
        """Tell whether it has several labels."""
        return len(self.labels) > 1


def find_duplicates(table: AuditTable, distance: int) -> tuple[DuplicateGroup, ...]:
    """Find the groups of pictures that are the same, exact ones first; the worst before others.

    Args:
      table: measured pictures.
      distance: bits in which hashes of near duplicates differ at most. Groups of exact duplicates
        alone are not listed as near ones again.
    """
    exact = exact_groups(table.contents, table.pixels)
    found = [_group(EXACT, rows, np.zeros(len(rows), np.int64), table) for rows in _members(exact)]
    near = neighbours(table.hashes, distance)
    # A twin in pixels has the same hash; one of the same bytes that decodes otherwise cannot be.
    for rows in _members(near.groups):
        if len(np.unique(exact[rows])) > 1:
            found.append(_group(NEAR, rows, near.nearest[rows], table))
    return tuple(sorted(found, key=lambda g: (g.kind, not g.leaks, not g.conflicts, g.rows)))


def exact_groups(contents: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Number the pictures so that those of equal bytes or equal pixels have one number."""
    by_content, by_pixels = (
        np.unique(digests, return_inverse=True)[1] for digests in (contents, pixels)
    )
    count = len(by_content)
    if not count:
        return by_content
    nodes = (by_content, by_pixels + by_content.max() + 1)
    size = int(nodes[1].max()) + 1
    links = coo_array((np.ones(count, bool), nodes), (size, size))
    return connected_components(links, directed=False)[1][by_content]


def surplus(groups: Sequence[DuplicateGroup], kind: str) -> np.ndarray:
    """Return the rows of a kind of duplicates without the one of each group that is kept."""
    return np.array([row for g in groups if g.kind == kind for row in g.rows[1:]], np.int64)


def conflicting(groups: Sequence[DuplicateGroup]) -> np.ndarray:
    """Return the rows of exact duplicates that have several labels."""
    rows = [row for g in groups if g.kind == EXACT and g.conflicts for row in g.rows]
    return np.array(rows, np.int64)


def _members(groups: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of each group of two or more."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            yield rows


def _group(kind: str, rows: np.ndarray, distances: np.ndarray, table: AuditTable) -> DuplicateGroup:
    splits = [str(split) for split in table.splits[rows]]
    order = sorted(range(len(rows)), key=lambda i: (_rank(splits[i]), int(rows[i])))
    return DuplicateGroup(
        kind,
        tuple(int(rows[i]) for i in order),
        tuple(int(distances[i]) for i in order),
        tuple(dict.fromkeys(splits[i] for i in order)),
        tuple(sorted({int(label) for label in table.labels[rows]})),
    )


def _rank(split: str) -> int:
    return TESTED_FIRST.index(split) if split in TESTED_FIRST else len(TESTED_FIRST)
