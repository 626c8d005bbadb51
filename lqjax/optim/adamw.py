"""Adam with decoupled weight decay."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.decay_mask import decay_mask


@OPTIMIZERS.register("adamw")
def adamw(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build AdamW; the decay is multiplied by the learning rate.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """
    return optax.adamw(
        schedule,
        b1=settings.beta1,
        b2=settings.beta2,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        mask=lambda params: decay_mask(params, settings.decay_norm_and_bias),
    )
