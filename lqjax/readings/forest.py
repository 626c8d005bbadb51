"""A random forest on the features."""

from __future__ import annotations

import numpy as np

from lqjax.imaging.operations import Parameter
from lqjax.readings.base import Subject, reading
from lqjax.readings.features import Head, Trained, fit_head, needs_two_classes
from lqjax.readings.scikit import CLASS_WEIGHTS, needs_scikit_learn, weighing, with_class_weights
from lqjax.readings.scores import Scores, in_place, of_votes


@reading(
    "forest",
    Parameter("trees", "1", 1, 1e6, default=300, integer=True, meaning="how many trees"),
    CLASS_WEIGHTS,
    about="A random forest in the place of the last layer, on the features of the clean training"
    " images; of 300 trees where it says nothing else.",
    source="scikit-learn's RandomForestClassifier: Breiman 2001,"
    " https://doi.org/10.1023/A:1010933404324",
    missing=needs_scikit_learn,
    impossible=needs_two_classes,
    settled=with_class_weights,
)
def forest(subject: Subject, trees: int, class_weights: int) -> Head:
    """Grow a random forest on the features as they are; trees do not look at scales.

    Its logits are the logarithms of the mean share of a class in the leaves, with one more vote
    that is split evenly.

    Args:
      trees: how many are grown, each on images that are drawn with replacement.
      class_weights: "as_trained" weighs classes as the run did, "balanced" by the inverse of
        their frequencies.
    """

    def fit(trained: Trained) -> tuple[Scores, tuple[str, ...]]:
        from sklearn.ensemble import RandomForestClassifier  # slow import, needed here only

        grown = RandomForestClassifier(
            trees,
            class_weight=weighing(class_weights, trained),
            random_state=trained.seed,
            n_jobs=-1,
        )
        grown.fit(trained.features, trained.labels, trained.weights)
        # Several threads would add the trees up in the order in which they come to an end.
        grown.set_params(n_jobs=1)

        def scores(features: np.ndarray) -> np.ndarray:
            shares = grown.predict_proba(features)
            return of_votes(in_place(shares, grown.classes_, trained.classes, 0.0), trees)

        return scores, ()

    return fit_head("forest", subject, fit)
