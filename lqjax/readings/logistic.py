"""Logistic regression on the features."""

from __future__ import annotations

import numpy as np

from lqjax.imaging.operations import Parameter
from lqjax.readings.base import Subject, reading
from lqjax.readings.features import Head, Trained, fit_head, needs_two_classes
from lqjax.readings.scikit import (
    CLASS_WEIGHTS,
    LONGEST_FIT,
    Standardised,
    needs_scikit_learn,
    weighing,
    with_class_weights,
)
from lqjax.readings.scores import Scores, of_probabilities


@reading(
    "logistic",
    Parameter("C", "1", 1e-9, 1e9, default=1.0, meaning="inverse strength of the L2 penalty"),
    CLASS_WEIGHTS,
    about="Logistic regression in the place of the last layer, on the features of the clean"
    " training images, standardised by these; C=1 where it says nothing else.",
    source="scikit-learn's LogisticRegression: Pedregosa et al. 2011,"
    " https://jmlr.org/papers/v12/pedregosa11a.html",
    missing=needs_scikit_learn,
    impossible=needs_two_classes,
    settled=with_class_weights,
)
def logistic(subject: Subject, C: float, class_weights: int) -> Head:  # noqa: N803  # the field's name
    """Fit multinomial logistic regression to the standardised features of the training images.

    Its logits are the logarithms of its probabilities.

    Args:
      C: inverse strength of the L2 penalty, as in scikit-learn: it weighs the sum of the losses
        against half the squared norm of the coefficients.
      class_weights: "as_trained" weighs classes as the run did, "balanced" by the inverse of
        their frequencies.
    """

    def fit(trained: Trained) -> tuple[Scores, tuple[str, ...]]:
        from sklearn.linear_model import LogisticRegression  # slow import, needed here only

        weights = weighing(class_weights, trained)
        regression = LogisticRegression(C=C, class_weight=weights, max_iter=LONGEST_FIT)
        classifier = Standardised(f"logistic(C={C:g})", regression, trained)

        def scores(features: np.ndarray) -> np.ndarray:
            logarithms = _log_probabilities(classifier.decisions(features))
            count = len(trained.labels)
            return of_probabilities(logarithms, classifier.present, trained.classes, count)

        return scores, classifier.notes

    return fit_head("logistic", subject, fit)


def _log_probabilities(decisions: np.ndarray) -> np.ndarray:
    # Not the logarithm of `predict_proba`, which is minus infinity for what rounds to zero.
    if decisions.ndim == 1:
        decisions = np.stack([np.zeros_like(decisions), decisions], 1)
    shifted = decisions - decisions.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
