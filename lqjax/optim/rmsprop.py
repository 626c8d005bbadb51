"""RMSprop."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import masked_decay

PUBLISHED = {
    "learning_rate": 1e-3,
    "momentum": 0.0,
    "beta2": 0.9,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}
"""Decay of the mean square: Tieleman and Hinton 2012; rate as in Keras, floor as in PyTorch (the
lecture gives neither)."""


@update_rule("rmsprop", PUBLISHED)
def rmsprop(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build RMSprop with optional momentum; weight decay is added to the gradient.

    The floor is added to the root, and the rate multiplies the momentum buffer, as in PyTorch
    (`optax.rmsprop` has the floor below the root and the rate inside the buffer).

    Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    """
    return optax.chain(
        masked_decay(settings),
        optax.scale_by_rms(decay=settings.beta2, eps=settings.epsilon, eps_in_sqrt=False),
        optax.trace(settings.momentum) if settings.momentum else optax.identity(),
        optax.scale_by_learning_rate(schedule),
    )
