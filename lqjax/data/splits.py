"""Splits and subsets that keep the share of every class and depend on a seed and the ids only.

Whether an example is held out is decided by the rank of a hash of (seed, purpose, id) within its
class. So the split needs no random generator, is the same on every machine and library version,
and hardly moves when files are added: the others keep their order.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stratified_part(
    labels: np.ndarray, ids: np.ndarray, share: float, seed: int, purpose: str
) -> np.ndarray:
    """Choose a share of the examples, class by class.

    Args:
      labels: whole numbers, (examples,).
      ids: unique texts, (examples,).
      share: between 0 and 1, of every class, rounded so that the total is right.
      seed: another seed chooses other examples.
      purpose: what the part is for ("test"); other purposes choose independently.

    Returns:
      bool, (examples,): true for the chosen. Of a class with two or more examples at least one
      is chosen and one is left; a class with one example is left whole.
    """
    classes, counts = np.unique(labels, return_counts=True)
    wanted = share_out(round(share * len(labels)), counts, leave=1)
    return _first_by_hash(labels, ids, dict(zip(classes, wanted, strict=True)), seed, purpose)


def stratified_limit(
    labels: np.ndarray, ids: np.ndarray, limit: int, seed: int, purpose: str
) -> np.ndarray:
    """Choose at most `limit` examples with the classes in proportion.

    Args: as `stratified_part`, with a number in place of the share; 0 for all.

    Returns:
      bool, (examples,). A larger limit keeps, up to rounding, what a smaller one chose.

    Raises:
      ValueError: the limit is below one example a class.
    """
    if limit == 0 or limit >= len(labels):
        return np.ones(len(labels), bool)
    classes, counts = np.unique(labels, return_counts=True)
    if limit < len(classes):
        raise ValueError(
            f"data.{purpose}_limit={limit} is less than one image for each of the "
            f"{len(classes)} classes; use at least {len(classes)}, or 0 for all"
        )
    wanted = share_out(limit, counts, leave=0)
    return _first_by_hash(labels, ids, dict(zip(classes, wanted, strict=True)), seed, purpose)


def share_out(total: int, counts: np.ndarray, leave: int) -> list[int]:
    """Divide `total` over classes in proportion to their counts (largest remainder).

    Args:
      total: how many to take altogether.
      counts: (classes,), how many there are.
      leave: how many of each class must stay behind.

    Returns:
      How many to take of each class: at least one where that leaves enough. The sum is `total`
      as far as these bounds allow.
    """
    room = np.maximum(counts - leave, 0)
    least = np.minimum(room, 1)
    exact = total * counts / max(int(counts.sum()), 1)
    taken = np.clip(np.floor(exact).astype(int), least, room)
    while taken.sum() != total:
        step = 1 if taken.sum() < total else -1
        free = taken < room if step == 1 else taken > least
        if not free.any():
            break
        gap = np.where(free, step * (exact - taken), -np.inf)
        taken[int(np.argmax(gap))] += step
    return [int(number) for number in taken]


def _first_by_hash(
    labels: np.ndarray, ids: np.ndarray, wanted: dict[int, int], seed: int, purpose: str
) -> np.ndarray:
    ranks = np.asarray([hash_of(seed, purpose, str(name)) for name in ids], np.uint64)
    chosen = np.zeros(len(labels), bool)
    for label, number in wanted.items():
        rows = np.flatnonzero(labels == label)
        chosen[rows[np.argsort(ranks[rows], kind="stable")[:number]]] = True
    return chosen


def hash_of(seed: int, purpose: str, name: str) -> int:
    """Hash (seed, purpose, id) to 64 bits."""
    text = f"{seed}\n{purpose}\n{name}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2s(text, digest_size=8).digest(), "little")
