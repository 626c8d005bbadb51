"""Cohen's kappa of labels and predictions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def cohen_kappa(matrix: Int[np.ndarray, "true predicted"]) -> float:
    """Return the agreement beyond chance over the largest possible one, in [-1, 1].

    0 where it is undefined: all labels and all predictions are of one and the same class, so that
    chance explains the whole agreement. (scikit-learn answers NaN there.)

    Args:
      matrix: the confusion matrix of at least one example, true classes in rows.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales"; no weights.

    >>> cohen_kappa(np.array([[20, 5], [10, 15]]))
    0.4
    """
    true, predicted = matrix.sum(axis=1, dtype=float), matrix.sum(axis=0, dtype=float)
    n = float(true.sum())
    by_chance = float(true @ predicted)
    possible = n * n - by_chance
    return (n * float(np.trace(matrix)) - by_chance) / possible if possible else 0.0
