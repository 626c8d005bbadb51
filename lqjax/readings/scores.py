"""Scores of a classical head as logits: every class has a column, every number is finite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Scores = Callable[[np.ndarray], np.ndarray]
"""Features, float32 (examples, features) -> logits, float32 (examples, classes)."""


def of_votes(shares: np.ndarray, votes: int) -> np.ndarray:
    """Take the logarithm of shares of votes, one more vote being split evenly over all classes.

    Without that a class that nothing votes for has minus infinity. The order of the classes stays
    as it is.

    Args:
      shares: (examples, classes), rows that sum to 1.
      votes: how many were counted.

    Returns:
      log((votes * shares + 1 / classes) / (votes + 1)), float32.

    Source: Perks, "Some observations on inverse probability", 1947: Laplace's rule of succession
    with 1 / classes in place of 1.
    """
    classes = shares.shape[1]
    return np.log((votes * shares + 1 / classes) / (votes + 1)).astype(np.float32)


def of_probabilities(
    logarithms: np.ndarray, present: np.ndarray, classes: int, examples: int
) -> np.ndarray:
    """Give classes without training images the probability that `of_votes` gives them.

    That is 1 / (classes * (examples + 1)), by which the others are less likely.

    Args:
      logarithms: of the probabilities of the classes that there are images of, one a column.
      present: number of each of these classes.
      examples: how many training images there were.
    """
    if len(present) == classes:
        return logarithms.astype(np.float32)
    unseen = 1 / (classes * (examples + 1))
    left = np.log1p(-unseen * (classes - len(present)))
    return in_place(logarithms + left, present, classes, np.log(unseen)).astype(np.float32)


def of_decisions(decisions: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Put decision values in their columns.

    Args:
      decisions: (examples, classes there are images of), or (examples,) of the second of two,
        which then stand as (-d, d), as one against the rest would have them.
      present: number of each of these classes.

    Returns:
      Float32, (examples, classes); a class without training images lies 1, the margin, below the
      lowest of the others.
    """
    values = np.stack([-decisions, decisions], 1) if decisions.ndim == 1 else decisions
    lowest = values.min(1, keepdims=True) - 1
    return in_place(values, present, classes, lowest).astype(np.float32)


def in_place(
    values: np.ndarray, present: np.ndarray, classes: int, otherwise: np.ndarray | float
) -> np.ndarray:
    """Put columns in the places of their classes, and something else in all other places."""
    made = np.broadcast_to(otherwise, (len(values), classes)).astype(values.dtype)
    made[:, present] = values
    return made
