"""The Matthews correlation coefficient of labels and predictions."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int


def matthews_correlation(matrix: Int[np.ndarray, "true predicted"]) -> float:
    """Return the correlation of true and predicted classes, in [-1, 1]; 0 is chance.

    0 where it is undefined: all labels, or all predictions, are of one class, be they right or
    wrong; as in scikit-learn. For two classes it is Pearson's correlation.

    Args:
      matrix: the confusion matrix, true classes in rows.

    Source: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation
    coefficient".

    >>> matthews_correlation(np.array([[2, 0], [0, 3]]))
    1.0
    """
    true, predicted = matrix.sum(axis=1, dtype=float), matrix.sum(axis=0, dtype=float)
    n = float(true.sum())
    # One root of the product: of perfect predictions it is exact, and the correlation exactly 1.
    spread = math.sqrt((n * n - true @ true) * (n * n - predicted @ predicted))
    covariance = n * float(np.trace(matrix)) - float(true @ predicted)
    return covariance / spread if spread else 0.0
