"""Log loss, and the log probabilities it is made of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from lqjax.metrics.softmax import softmax


def log_probabilities(
    logits: Float[np.ndarray, "examples classes"],
) -> Float[np.ndarray, "examples classes"]:
    """Return the log of the softmax in float64; no overflow for any finite score."""
    return softmax(logits).logs


def example_losses(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> Float[np.ndarray, " examples"]:
    """Return each example's negative log probability of its true class, in nats, 0 or more.

    >>> example_losses(np.array([[0.0, 0.0]]), np.array([1])).round(4)
    array([0.6931])
    """
    return _own_losses(log_probabilities(logits), labels)


def negative_log_likelihood(
    logs: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float:
    """Return the mean negative log probability of the true class, in nats, 0 or more."""
    return float(_own_losses(logs, labels).mean())


def log_loss(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float:
    """Return the mean negative log probability of the true class, in nats, 0 or more."""
    return negative_log_likelihood(log_probabilities(logits), labels)


def _own_losses(logs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.take_along_axis(logs, labels[:, None], axis=1)[:, 0]
