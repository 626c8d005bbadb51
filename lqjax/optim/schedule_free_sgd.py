"""Schedule-free SGD."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.averaging import averaged
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import masked_decay

PUBLISHED = {"learning_rate": 1.0, "momentum": 0.9, "weight_decay": 0.0}
"""The authors' `SGDScheduleFree`: rates are 10 to 50 times those of SGD."""


@update_rule("schedule_free_sgd", PUBLISHED, averages=True)
def schedule_free_sgd(
    settings: OptimizerConfig, schedule: optax.Schedule
) -> optax.GradientTransformation:
    """Build schedule-free SGD; `momentum` interpolates, the decay acts on the trained weights.

    Raises:
      ValueError: `momentum` is 0.

    Source: Defazio et al., "The road less scheduled", 2024, equations 2 to 4.
    """
    rule = optax.chain(masked_decay(settings), optax.sgd(schedule))
    return averaged(rule, schedule, settings.momentum, "momentum")
