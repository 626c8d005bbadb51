"""A learning rate that falls by a factor at given epochs."""

from __future__ import annotations

import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("step")
def step(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Multiply the rate by `step_factor` at each of `step_epochs`.

    Source: He et al., "Deep residual learning", 2016 (divided by ten every 30 epochs).
    """
    boundaries = {
        round(epoch * steps_per_epoch): settings.step_factor for epoch in settings.step_epochs
    }
    return optax.piecewise_constant_schedule(peak, boundaries)
