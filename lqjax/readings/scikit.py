"""What is asked of scikit-learn: that it is there, and that it says whether a fit has ended."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from typing import Any

import numpy as np

from lqjax.distributed import is_first
from lqjax.imaging.operations import Parameter
from lqjax.lines import say
from lqjax.models.network import Network
from lqjax.readings.base import Subject
from lqjax.readings.features import Trained

WITH_SCIKIT_LEARN = 'pip install "scikit-learn>=1.6,<2"'
LONGEST_FIT = 10_000
"""Iterations after which a linear fit is left as it is; scikit-learn's own bounds are lower."""

UNFINISHED = (
    f"the fit has not come to its end within {LONGEST_FIT:,} iterations and is used as it is; a"
    " smaller C ends sooner"
)


def needs_scikit_learn(network: Network) -> str:
    """Find nothing missing of any network, but refuse to go on without scikit-learn.

    Does not import it.

    Raises:
      ValueError: it is not installed; the message has the command.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise ValueError(
            "logistic, svm, forest and knn in evaluation.readings need scikit-learn, which is not"
            f" installed: {WITH_SCIKIT_LEARN}"
        )
    return ""


def with_scikit_learn(subject: Subject) -> dict[str, str]:
    """Name the version, another one of which may fit otherwise."""
    return {"scikit-learn": importlib.metadata.version("scikit-learn")}


def with_class_weights(subject: Subject) -> dict[str, str]:
    """Name what the run weighed its classes by, too: a head that weighs them may fit otherwise."""
    if subject.class_weights is None:
        return with_scikit_learn(subject)
    return {**with_scikit_learn(subject), "class_weights_of_training": subject.class_weighting}


AS_TRAINED, EVEN, BALANCED = CHOICES = ("as_trained", "none", "balanced")

CLASS_WEIGHTS = Parameter(
    "class_weights",
    "1",
    0,
    len(CHOICES) - 1,
    default=CHOICES.index(AS_TRAINED),
    choices=CHOICES,
    meaning="what classes count: as training.class_weights says, all the same, or the rarer the"
    " more",
)


def weighing(choice: int, trained: Trained) -> str | dict[int, float] | None:
    """Give scikit-learn's `class_weight` for the number of a choice of `CLASS_WEIGHTS`."""
    chosen = CLASS_WEIGHTS.choices[choice]
    if chosen == BALANCED:
        return "balanced"
    if chosen == EVEN or trained.class_weights is None:
        return None
    return {int(label): float(trained.class_weights[label]) for label in np.unique(trained.labels)}


class Standardised:
    """A linear classifier on features of mean 0 and standard deviation 1 over the training images.

    Args:
      reading: name for messages.
      classifier: of scikit-learn, not fitted.

    Attributes:
      notes: what a report should say.
    """

    def __init__(self, reading: str, classifier: Any, trained: Trained) -> None:
        from sklearn.exceptions import ConvergenceWarning  # slow imports, needed here only
        from sklearn.preprocessing import StandardScaler

        # The copy that `_scaled` makes is enough.
        self._scaler = StandardScaler(copy=False).fit(trained.features)
        self._classifier = classifier
        self.notes: tuple[str, ...] = ()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            classifier.fit(self._scaled(trained.features), trained.labels, trained.weights)
        for found in caught:
            if not issubclass(found.category, ConvergenceWarning):
                warnings.warn_explicit(found.message, found.category, found.filename, found.lineno)
                continue
            self.notes += (UNFINISHED,)
            if is_first():
                say(f"warning: {reading}: {UNFINISHED}")

    @property
    def present(self) -> np.ndarray:
        """Numbers of the classes that there are training images of, in their order."""
        return self._classifier.classes_

    def decisions(self, features: np.ndarray) -> np.ndarray:
        """Give decision values: (examples, classes), or of two classes (examples,)."""
        return self._classifier.decision_function(self._scaled(features))

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        # In float64: in float32 the fits end where rounding hides the way down.
        return self._scaler.transform(features.astype(np.float64))
