"""Macro precision, recall and F1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class MacroScores(NamedTuple):
    """Unweighted class means, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def macro_scores(matrix: Int[np.ndarray, "true predicted"]) -> MacroScores:
    """Average precision, recall and F1 over classes, all with the same weight.

    A score whose denominator is zero is 0. The mean runs over the classes that occur among the
    labels or the predictions; both as in scikit-learn with `zero_division=0`.

    Args:
      matrix: the confusion matrix, true classes in rows.
    """
    hits = np.diag(matrix).astype(float)
    support = matrix.sum(axis=1).astype(float)
    predicted = matrix.sum(axis=0).astype(float)
    occurs = (support + predicted) > 0
    means = (
        _share(part, whole)[occurs].mean()
        for part, whole in ((hits, predicted), (hits, support), (2 * hits, support + predicted))
    )
    return MacroScores(*(float(mean) for mean in means))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
