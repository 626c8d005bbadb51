"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.decay_mask import decay_mask


@OPTIMIZERS.register("sgd")
def sgd(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build SGD with momentum; weight decay is added to the gradient, as L2 regularisation.

    Source: Sutskever et al. 2013, in the form of the AlexNet and ResNet reference code: the
    learning rate multiplies the momentum buffer.
    """
    return optax.chain(
        optax.add_decayed_weights(
            settings.weight_decay,
            mask=lambda params: decay_mask(params, settings.decay_norm_and_bias),
        ),
        optax.sgd(schedule, momentum=settings.momentum or None, nesterov=settings.nesterov),
    )
