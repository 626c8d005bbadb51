"""How scores rank the positives among all examples: what ROC and precision-recall areas need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

BINARY = 2
"""Classes of a binary problem, in which class 1 is the positive one."""

SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of an example may add up, having been rounded."""

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""What the log of a softmax may be off by: a maximum, an exponential, a sum and a logarithm."""


class Ranking(NamedTuple):
    """Where each positive stands among all `n` examples.

    Attributes:
      below: examples scored strictly lower.
      not_above: examples scored no higher, itself included.
      n: examples, positives and negatives.
    """

    below: Int[np.ndarray, " positives"]
    not_above: Int[np.ndarray, " positives"]
    n: int

    @property
    def positives(self) -> int:
        """Number of positives."""
        return len(self.below)


def rank_positives(
    scores: Float[np.ndarray, " examples"],
    positive: Bool[np.ndarray, " examples"],
    noise: float = 0,
) -> Ranking:
    """Count for each positive how many examples are scored lower, and how many no higher.

    Args:
      noise: what scores up to 1, and shares of larger ones, may be off by; neighbours that lie no
        further apart are tied.
    """
    ordered, own = np.sort(scores), scores[positive]
    below = np.searchsorted(ordered, own, side="left")
    not_above = np.searchsorted(ordered, own, side="right")
    if not noise:
        return Ranking(below, not_above, len(scores))
    apart = np.diff(ordered) > noise * np.maximum(1, np.abs(ordered[1:]))
    first = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(scores)]])  # of each tied group
    below = first[np.searchsorted(first, below, side="right") - 1]
    return Ranking(below, first[np.searchsorted(first, not_above, side="left")], len(scores))


def class_rankings(
    logits: Float[np.ndarray, "examples classes"],
    labels: Int[np.ndarray, " examples"],
    logs: Float[np.ndarray, "examples classes"],
) -> list[Ranking]:
    """Rank each class's examples among all, one class against the rest.

    Scores are the log probabilities `logs`, and the difference of the logits where there are two
    classes: they order as probabilities do but do not tie where those round to 0 or 1. Logits that
    are log probabilities themselves, as of a forest's votes, are ranked as they are given: the sum
    of each row, by which `logs` are divided, would tell apart what is equal.
    """
    classes = logits.shape[1]
    if classes == BINARY:
        margin = logits[:, 1].astype(np.float64) - logits[:, 0]
        return [rank_positives(-margin, labels == 0), rank_positives(margin, labels == 1)]
    log_sums = logits[:, 0] - logs[:, 0]
    if np.abs(log_sums).max() <= SUM_TOLERANCE:
        return [rank_positives(logits[:, k], labels == k) for k in range(classes)]
    return [rank_positives(logs[:, k], labels == k, ROUNDING) for k in range(classes)]


def average_over_classes(
    rankings: Sequence[Ranking], score: Callable[[Ranking], float | None]
) -> float | None:
    """Return class 1's score of two classes, else the unweighted mean over defined scores.

    `None` where no score is defined.
    """
    counted = rankings[1:] if len(rankings) == BINARY else rankings
    defined = [value for value in map(score, counted) if value is not None]
    return float(np.mean(defined)) if defined else None
