"""Softmax probabilities and their logs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Softmax(NamedTuple):
    """Class probabilities of examples, each row summing to 1, and their natural logs.

    Logs tell apart what probabilities round to 0 or 1.
    """

    probabilities: Float[np.ndarray, "examples classes"]
    logs: Float[np.ndarray, "examples classes"]

    @property
    def confidences(self) -> Float[np.ndarray, " examples"]:
        """Probability of each example's likeliest class, in [1 / classes, 1]."""
        return self.probabilities.max(axis=1)


def softmax(logits: Float[np.ndarray, "examples classes"]) -> Softmax:
    """Compute the softmax in float64; no overflow for any finite score.

    >>> softmax(np.array([[0.0, 0.0]])).probabilities
    array([[0.5, 0.5]])
    """
    # In place where possible: with many classes, new pages of memory cost more than arithmetic.
    logs = logits.astype(np.float64)
    logs -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logs)
    totals = probabilities.sum(axis=1, keepdims=True)
    probabilities /= totals
    logs -= np.log(totals)
    return Softmax(probabilities, logs)
