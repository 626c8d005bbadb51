"""Adam with decoupled weight decay."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.adam import PUBLISHED as ADAM
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import mask_of

PUBLISHED = {**ADAM, "weight_decay": 1e-2}
"""As Adam; the decay is that of `torch.optim.AdamW`, which multiplies it by the rate too."""


@update_rule("adamw", PUBLISHED)
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
        mask=mask_of(settings),
    )
