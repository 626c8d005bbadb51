"""A learning rate that stays."""

from __future__ import annotations

import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("constant")
def constant(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Keep the peak rate."""
    return optax.constant_schedule(peak)
