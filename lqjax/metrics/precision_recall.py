"""Precision, recall, F1 and specificity: by class, macro, weighted by support."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class ClassScores(NamedTuple):
    """Scores of every class against the rest, each in [0, 1], and its number of examples.

    A score whose denominator is zero is 0, as in scikit-learn with `zero_division=0`: precision
    of a class never predicted, recall of a class without examples, F1 of a class that is neither
    labelled nor predicted, specificity where all examples are of the class.
    """

    precision: Float[np.ndarray, " classes"]
    recall: Float[np.ndarray, " classes"]
    f1: Float[np.ndarray, " classes"]
    specificity: Float[np.ndarray, " classes"]
    support: Int[np.ndarray, " classes"]


class AverageScores(NamedTuple):
    """Means over classes, each in [0, 1]."""

    precision: float
    recall: float
    f1: float
    specificity: float


def class_scores(matrix: Int[np.ndarray, "true predicted"]) -> ClassScores:
    """Compute each class's precision, recall (sensitivity), F1 and specificity.

    Specificity is the recall of all other classes taken as one.

    Args:
      matrix: the confusion matrix, true classes in rows.

    >>> class_scores(np.array([[3, 1], [0, 4]])).recall
    array([0.75, 1.  ])
    """
    hits = np.diag(matrix)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    others = matrix.sum() - support
    return ClassScores(
        precision=_share(hits, predicted),
        recall=_share(hits, support),
        f1=_share(2 * hits, support + predicted),
        specificity=_share(others - (predicted - hits), others),
        support=support,
    )


def macro_scores(matrix: Int[np.ndarray, "true predicted"]) -> AverageScores:
    """Average the scores over classes, all with the same weight.

    The mean runs over the classes that occur among the labels or the predictions, as in
    scikit-learn; scores without denominator count as 0 (see `ClassScores`).

    Args:
      matrix: the confusion matrix of at least one example, true classes in rows.
    """
    occurs = (matrix.sum(axis=1) + matrix.sum(axis=0)) > 0
    return AverageScores(*(float(score[occurs].mean()) for score in class_scores(matrix)[:-1]))


def weighted_scores(matrix: Int[np.ndarray, "true predicted"]) -> AverageScores:
    """Average the scores over classes, each weighted by its number of examples.

    Weighted recall is accuracy. Scores without denominator count as 0 (see `ClassScores`).

    Args:
      matrix: the confusion matrix of at least one example, true classes in rows.
    """
    *scores, support = class_scores(matrix)
    return AverageScores(*(float(score @ support / support.sum()) for score in scores))


def _share(
    part: Int[np.ndarray, " classes"], whole: Int[np.ndarray, " classes"]
) -> Float[np.ndarray, " classes"]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
