"""Area under the ROC curve: binary, by class, macro one-vs-rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from lqjax.metrics.log_loss import log_probabilities
from lqjax.metrics.ranking import Ranking, average_over_classes, class_rankings, rank_positives


def area_under_roc(ranking: Ranking) -> float | None:
    """Return the share of (positive, negative) pairs that the scores order rightly; ties half.

    `None` where there are only positives or only negatives.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve" (the area
    is the Mann-Whitney statistic over the number of pairs).
    """
    positives = ranking.positives
    pairs = positives * (ranking.n - positives)
    if not pairs:
        return None
    ahead = (ranking.below.sum(dtype=np.float64) + ranking.not_above.sum(dtype=np.float64)) / 2
    return float((ahead - positives**2 / 2) / pairs)


def binary_auc(
    scores: Float[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]
) -> float | None:
    """Return the area under the ROC curve of any scores, in [0, 1]; see `area_under_roc`."""
    return area_under_roc(rank_positives(scores, positive))


def roc_auc(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float | None:
    """Return the area under the ROC curve of the softmax probabilities, in [0, 1].

    Two classes: class 1 against class 0. More: the unweighted mean of one class against the
    rest, over the classes that have examples and counter-examples; scikit-learn refuses an absent
    class and agrees where none is absent. `None` where no class qualifies.
    """
    rankings = class_rankings(logits, labels, log_probabilities(logits))
    return average_over_classes(rankings, area_under_roc)


def roc_auc_by_class(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> list[float | None]:
    """Return the area of each class against the rest; `None` for one of no or all examples."""
    rankings = class_rankings(logits, labels, log_probabilities(logits))
    return [area_under_roc(ranking) for ranking in rankings]
