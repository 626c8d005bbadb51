"""Top-1 and top-k: which examples are classified correctly."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def predictions(
    logits: Float[np.ndarray, "examples classes"],
) -> Int[np.ndarray, " examples"]:
    """Return the class with the highest score; of equal scores the lowest class index."""
    return np.argmax(logits, axis=1)


def correct_vector(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> Bool[np.ndarray, " examples"]:
    """Tell for each example whether its true class has the highest score (ties: lowest index)."""
    return predictions(logits) == labels


def top_k_correct(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"], k: int
) -> Bool[np.ndarray, " examples"]:
    """Tell for each example whether its true class is among the `k` highest scores.

    Equal scores rank by class index, the lowest first, so that `k=1` equals `correct_vector`.

    Raises:
      ValueError: `k` below 1.

    >>> top_k_correct(np.array([[0.1, 0.7, 0.2]]), np.array([2]), k=2)
    array([ True])
    """
    if k < 1:
        raise ValueError(f"k={k} is not possible; allowed: 1 or more")
    own = np.take_along_axis(logits, labels[:, None], axis=1)
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & earlier)
    return ahead.sum(axis=1) < k
