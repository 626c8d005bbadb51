"""The training loss."""

from __future__ import annotations

import jax
import optax

from lqjax.typing import Labels, Logits


def cross_entropy(logits: Logits, labels: Labels, label_smoothing: float) -> jax.Array:
    """Compute softmax cross-entropy per example in nats, (batch,).

    With smoothing s of K classes the target is 1 - s + s / K for the label, s / K elsewhere.

    Source: Szegedy et al., "Rethinking the Inception architecture", 2016, section 7.
    """
    targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[1]), label_smoothing)
    return optax.softmax_cross_entropy(logits, targets)
