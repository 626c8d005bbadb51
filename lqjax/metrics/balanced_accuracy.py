"""Balanced accuracy: accuracy as if every class had as many examples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def balanced_accuracy(matrix: Int[np.ndarray, "true predicted"]) -> float:
    """Return the mean recall over the classes that have examples, in [0, 1].

    A class without examples is left out even where it is predicted; scikit-learn does the same
    and warns. (Macro recall counts such a class as 0.)

    Args:
      matrix: the confusion matrix of at least one example, true classes in rows.

    >>> balanced_accuracy(np.array([[3, 1], [0, 2]]))
    0.875
    """
    support = matrix.sum(axis=1)
    labelled = support > 0
    return float((np.diag(matrix)[labelled] / support[labelled]).mean())
