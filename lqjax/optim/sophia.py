"""Sophia: momentum over curvature, clipped."""

from __future__ import annotations

import optax
import optax.contrib

from lqjax.config import OptimizerConfig
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import mask_of
from lqjax.optim.gauss_newton import gauss_newton_diagonal

PUBLISHED = {
    "learning_rate": 1e-4,
    "beta1": 0.965,
    "beta2": 0.99,
    "epsilon": 1e-12,
    "weight_decay": 0.1,
}
"""The authors' `SophiaG`; the floor is the paper's."""

CURVATURE_SCALE = 0.04
"""What multiplies the curvature: rho of the authors' `SophiaG`, gamma of the paper."""

LARGEST_STEP = 1.0
"""Bound on every component of the step, in learning rates."""

CURVATURE_INTERVAL = 10
"""Steps from one estimate of the curvature to the next; the first step makes one."""


@update_rule("sophia", PUBLISHED)
def sophia(settings: OptimizerConfig, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build Sophia-G, whose update takes `logits_of=params -> logits` (see `gauss_newton`).

    As in optax, the momentum is corrected for its start at zero (the paper leaves that out), and
    an estimate counts from the step after it (as in the authors' code).

    Source: Liu et al., "Sophia: a scalable stochastic second-order optimizer for language model
    pre-training", 2023, algorithm 3.
    """
    return optax.contrib.sophia(
        schedule,
        b1=settings.beta1,
        b2=settings.beta2,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        weight_decay_mask=mask_of(settings),
        gamma=CURVATURE_SCALE,
        clip_threshold=LARGEST_STEP,
        update_interval=CURVATURE_INTERVAL,
        hessian_diagonal_fn=gauss_newton_diagonal(),
    )
