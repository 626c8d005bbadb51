"""Area under the ROC curve, binary and macro one-vs-rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from lqjax.metrics.log_loss import log_probabilities


def binary_auc(
    scores: Float[np.ndarray, " examples"], positive: Bool[np.ndarray, " examples"]
) -> float | None:
    """Return the share of (positive, negative) pairs that the scores order rightly; ties half.

    `None` where there are only positives or only negatives.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve" (the area
    is the Mann-Whitney statistic over the number of pairs).
    """
    positives = int(positive.sum())
    pairs = positives * (len(positive) - positives)
    if not pairs:
        return None
    ordered = np.sort(scores)
    own = scores[positive]
    below = np.searchsorted(ordered, own, side="left").sum(dtype=np.float64)
    not_above = np.searchsorted(ordered, own, side="right").sum(dtype=np.float64)
    return float(((below + not_above) / 2 - positives**2 / 2) / pairs)


def roc_auc(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float | None:
    """Return the area under the ROC curve of the softmax probabilities.

    Two classes: class 1 against class 0. More: the unweighted mean of one class against the
    rest, over the classes that have examples and counter-examples; scikit-learn refuses an absent
    class and agrees where none is absent. `None` where no class qualifies.
    """
    classes = logits.shape[1]
    if classes == 2:
        wide = logits.astype(np.float64)
        return binary_auc(wide[:, 1] - wide[:, 0], labels == 1)
    by_class = np.ascontiguousarray(log_probabilities(logits).T)
    areas = [binary_auc(by_class[k], labels == k) for k in range(classes)]
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined else None
