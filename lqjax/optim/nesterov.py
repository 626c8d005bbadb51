"""Stochastic gradient descent with Nesterov momentum."""

from __future__ import annotations

import dataclasses

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.sgd import PUBLISHED, sgd


@update_rule("nesterov", PUBLISHED, nesterov=True)
def nesterov(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build SGD with Nesterov momentum, with the values of `sgd`: only the rule differs.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning",
    2013, in the form of PyTorch: the gradient is taken at the weights, not ahead of them.
    """
    return sgd(dataclasses.replace(settings, nesterov=True), schedule)
