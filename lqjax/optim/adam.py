"""Adam."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import masked_decay

PUBLISHED = {
    "learning_rate": 1e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}
"""Kingma and Ba 2015, algorithm 1."""


@update_rule("adam", PUBLISHED)
def adam(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build Adam; weight decay, none by default, is added to the gradient.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """
    return optax.chain(
        masked_decay(settings),
        optax.adam(schedule, b1=settings.beta1, b2=settings.beta2, eps=settings.epsilon),
    )
