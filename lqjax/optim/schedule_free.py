"""Schedule-free AdamW."""

from __future__ import annotations

import optax

from lqjax.config import OptimizerConfig
from lqjax.optim.averaging import averaged
from lqjax.optim.base import update_rule
from lqjax.optim.decay_mask import masked_decay

PUBLISHED = {
    "learning_rate": 2.5e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
}
"""The authors' `AdamWScheduleFree`; they recommend a warm-up."""


@update_rule("schedule_free", PUBLISHED, averages=True)
def schedule_free(
    settings: OptimizerConfig, schedule: optax.Schedule
) -> optax.GradientTransformation:
    """Build schedule-free AdamW; `beta1` interpolates, the decay acts on the trained weights.

    Raises:
      ValueError: `beta1` is 0.

    Source: Defazio et al., "The road less scheduled", 2024, algorithm 1.
    """
    rule = optax.chain(
        # Adam without a first moment: the averaging takes its place.
        optax.scale_by_rms(
            decay=settings.beta2, eps=settings.epsilon, eps_in_sqrt=False, bias_correction=True
        ),
        masked_decay(settings),
        optax.scale_by_learning_rate(schedule),
    )
    return averaged(rule, schedule, settings.beta1, "beta1")
