"""Parts of equal size with the classes in proportion: folds, and held-out parts, group by group.

Like `lqjax.data.splits` this needs no random generator: what goes where follows from a hash of
(seed, purpose, id or group).
"""

from __future__ import annotations

import math

import numpy as np

from lqjax.data.splits import hash_of


def fold_numbers(
    labels: np.ndarray, ids: np.ndarray, folds: int, seed: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """Deal all examples out to folds, each class evenly.

    Args:
      labels: whole numbers, (examples,).
      ids: unique texts, (examples,).
      folds: how many, at least 2.
      seed: another seed deals otherwise.
      groups: texts, (examples,): examples of one group stay in one fold.

    Returns:
      whole numbers in [0, folds), (examples,). Without groups the sizes of two folds differ by at
      most one, and so do their counts of each class.
    """
    if groups is not None:
        shares = np.full(folds, 1 / folds)
        return _deal_groups(labels, groups, shares, seed, "fold")
    ranks = _ranks(ids, seed, "fold")
    order = np.lexsort((ranks, labels))
    numbers = np.empty(len(labels), np.int64)
    # Where one class ends in the round, the next goes on.
    numbers[order] = np.arange(len(labels)) % folds
    return numbers


def grouped_part(
    labels: np.ndarray, groups: np.ndarray, share: float, seed: int, purpose: str
) -> np.ndarray:
    """Choose whole groups that make up a share of the examples, of every class as near as it goes.

    Args and result as `lqjax.data.splits.stratified_part`, with `groups` in place of the ids.
    """
    return _deal_groups(labels, groups, np.array([1 - share, share]), seed, purpose) == 1


def _deal_groups(
    labels: np.ndarray, groups: np.ndarray, shares: np.ndarray, seed: int, purpose: str
) -> np.ndarray:
    """Give each group, the largest first, to the part that then lacks its classes most."""
    names, member = np.unique(groups, return_inverse=True)
    classes, label = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), len(classes) + 1))
    np.add.at(counts, (member, label), 1)
    counts[:, -1] = counts.sum(1)  # the size of a part counts as a class of its own
    # Of a rare class an example weighs more: it is what a part would be without.
    weight = 1 / counts.sum(0)
    weight[-1] *= math.sqrt(len(classes))  # which weighs more, the more classes there are
    missing = shares[:, None] * counts.sum(0)
    part = np.empty(len(names), np.int64)
    for group in np.lexsort((_ranks(names, seed, purpose), -counts[:, -1])):
        own = counts[group]
        # The distance to what is still missing shrinks by this much in each part.
        gain = ((missing**2 - (missing - own) ** 2) * weight**2 / shares[:, None]).sum(1)
        part[group] = int(np.argmax(gain))
        missing[part[group]] -= own
    return part[member]


def _ranks(names: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    return np.asarray([hash_of(seed, purpose, str(name)) for name in names], np.uint64)
