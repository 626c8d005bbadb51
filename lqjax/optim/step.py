"""A learning rate that falls by a factor at given times."""

from __future__ import annotations

import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("step")
def step(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Multiply the rate by `step_factor` at each of `step_fractions`, or else of `step_epochs`.

    Source: He et al., "Deep residual learning", 2016 (divided by ten every 30 epochs).
    """
    times = [fraction * total_steps for fraction in settings.step_fractions] or [
        epoch * steps_per_epoch for epoch in settings.step_epochs
    ]
    factors: dict[int, float] = {}
    for time in map(round, times):  # in a short run two of them may fall on one step
        factors[time] = factors.get(time, 1.0) * settings.step_factor
    return optax.piecewise_constant_schedule(peak, factors)
