"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import masked_decay

PUBLISHED = {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
"""Krizhevsky et al. 2012, section 5, for batches of 128. Networks with batch normalisation bear
more: He et al. 2016 train ResNets from 0.1 with weight decay 1e-4, for batches of 256."""


@update_rule("sgd", PUBLISHED, nesterov=True)
def sgd(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build SGD with momentum; weight decay is added to the gradient, as L2 regularisation.

    Source: Sutskever et al. 2013, in the form of the ResNet reference code and of PyTorch: the
    learning rate multiplies the momentum buffer.
    """
    return optax.chain(
        masked_decay(settings),
        optax.sgd(schedule, momentum=settings.momentum or None, nesterov=settings.nesterov),
    )
