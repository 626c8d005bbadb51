"""A learning rate that falls along half a cosine."""

from __future__ import annotations

import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("cosine")
def cosine(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Fall from the peak to `final_fraction` of it over the steps that follow the warm-up.

    Source: Loshchilov and Hutter, "SGDR", 2017, without restarts.
    """
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    decay = optax.cosine_decay_schedule(
        peak, max(1, total_steps - warmup), alpha=settings.final_fraction
    )
    return optax.join_schedules([optax.constant_schedule(peak), decay], [warmup])
