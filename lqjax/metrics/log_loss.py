"""Log loss, and the log probabilities it is made of."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def log_probabilities(
    logits: Float[np.ndarray, "examples classes"],
) -> Float[np.ndarray, "examples classes"]:
    """Return the log of the softmax in float64; no overflow for any finite score."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_loss(
    logits: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float:
    """Return the mean negative log probability of the true class, in nats."""
    own = np.take_along_axis(log_probabilities(logits), labels[:, None], axis=1)
    return float(-own.mean())
