"""The confusion matrix, from which class-wise scores follow."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def confusion_matrix(
    labels: Int[np.ndarray, " examples"], predicted: Int[np.ndarray, " examples"], classes: int
) -> Int[np.ndarray, "true predicted"]:
    """Count examples by true class (row) and predicted class (column).

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=2)
    array([[1, 0],
           [1, 1]])
    """
    cells = labels.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
