"""LAMB: Adam with a step of each layer in proportion to its weights."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import mask_of, masked_decay

PUBLISHED = {
    "learning_rate": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-6,
    "weight_decay": 1e-2,
}
"""Rate and floor: the authors' code (TensorFlow Addons); weight decay: the paper."""


@update_rule("lamb", PUBLISHED)
def lamb(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build LAMB for large batches.

    What does not decay (norm scales and biases, by default) takes plain Adam steps, as in the
    authors' code: next to zero, a step in proportion to the parameter never leaves it. This is
    where it differs from `optax.lamb`.

    Source: You et al., "Large batch optimization for deep learning", 2020, algorithm 2.
    """
    return optax.chain(
        optax.scale_by_adam(b1=settings.beta1, b2=settings.beta2, eps=settings.epsilon),
        masked_decay(settings),
        optax.masked(optax.scale_by_trust_ratio(), mask_of(settings)),
        optax.scale_by_learning_rate(schedule),
    )
