"""Average precision, the area under the precision-recall steps: binary, by class, macro."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from lqjax.metrics.log_loss import log_probabilities
from lqjax.metrics.ranking import Ranking, average_over_classes, class_rankings, rank_positives


def precision_at_positives(ranking: Ranking) -> float | None:
    """Return the mean over positives of the precision at their own score, in (0, 1].

    The precision at a score is the share of positives among all examples scored at least as
    high, so that tied examples enter together and their order does not count. It equals the sum of
    precision times gain in recall over thresholds; nothing is interpolated. `None` where there
    are no positives (scikit-learn: 0 and a warning); 1 where there are no negatives.
    """
    if not ranking.positives:
        return None
    lower = np.searchsorted(np.sort(ranking.below), ranking.below, side="left")
    return float(((ranking.positives - lower) / (ranking.n - ranking.below)).mean())


def binary_average_precision(
    scores: Float[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]
) -> float | None:
    """Return the average precision of any scores; see `precision_at_positives`.

    >>> binary_average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0]) > 0)
    0.8333333333333333
    """
    return precision_at_positives(rank_positives(scores, positive))


def average_precision(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float | None:
    """Return the average precision of the softmax probabilities, in (0, 1].

    Two classes: class 1 is the positive one. More: the unweighted mean of one class against the
    rest, over the classes that have examples. `None` where the positive class has none.
    """
    rankings = class_rankings(logits, labels, log_probabilities(logits))
    return average_over_classes(rankings, precision_at_positives)


def average_precision_by_class(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> list[float | None]:
    """Return the average precision of each class against the rest; `None` for one without any."""
    rankings = class_rankings(logits, labels, log_probabilities(logits))
    return [precision_at_positives(ranking) for ranking in rankings]
