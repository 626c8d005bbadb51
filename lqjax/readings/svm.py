"""A linear support vector machine on the features."""

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
from lqjax.readings.scores import Scores, of_decisions


@reading(
    "svm",
    Parameter("C", "1", 1e-9, 1e9, default=1.0, meaning="weight of the losses"),
    CLASS_WEIGHTS,
    about="A linear support vector machine in the place of the last layer, one class against the"
    " rest, on the features of the clean training images, standardised by these; C=1 where it says"
    " nothing else. Its scores are decision values: probabilities that are made of them are not"
    " meant as such.",
    source="scikit-learn's LinearSVC: Fan et al. 2008, https://jmlr.org/papers/v9/fan08a.html",
    missing=needs_scikit_learn,
    impossible=needs_two_classes,
    settled=with_class_weights,
)
def svm(subject: Subject, C: float, class_weights: int) -> Head:  # noqa: N803  # the field's name
    """Fit a linear SVM, one class against the rest, to the standardised features.

    Its logits are decision values: distances from the plane in units of the margin. Of two
    classes they are (-d, d).

    Args:
      C: weight of the squared hinge losses against half the squared norm, as in scikit-learn.
      class_weights: "as_trained" weighs classes as the run did, "balanced" by the inverse of
        their frequencies.
    """

    def fit(trained: Trained) -> tuple[Scores, tuple[str, ...]]:
        from sklearn.svm import LinearSVC  # slow import, needed here only

        machine = LinearSVC(
            C=C,
            class_weight=weighing(class_weights, trained),
            max_iter=LONGEST_FIT,
            random_state=trained.seed,
        )
        classifier = Standardised(f"svm(C={C:g})", machine, trained)

        def scores(features: np.ndarray) -> np.ndarray:
            return of_decisions(classifier.decisions(features), classifier.present, trained.classes)

        return scores, classifier.notes

    return fit_head("svm", subject, fit)
