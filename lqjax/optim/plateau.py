"""A learning rate that falls when validation no longer improves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("plateau")
def plateau(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Keep the peak rate; `plateau_factor` of the epochs so far multiplies the updates."""
    return optax.constant_schedule(peak)


def plateau_factor(settings: ScheduleConfig, validation_losses: Sequence[float]) -> float:
    """Compute what the rate is multiplied by after these epochs.

    The rate falls when more than `plateau_patience` epochs in a row did not bring the loss below
    the best one by the relative `plateau_threshold`; then the count starts again. A pure function
    of the history, so that a run that was stopped goes on with the same rate.

    Args:
      validation_losses: one per finished epoch, in order.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`, mode min, relative threshold, no cooldown.

    >>> plateau_factor(ScheduleConfig(plateau_patience=1), [1.0, 0.5, 0.6, 0.7])
    0.1
    """
    best, waited, reductions = math.inf, 0, 0
    for loss in validation_losses:
        if loss < best * (1 - settings.plateau_threshold):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > settings.plateau_patience:
            reductions, waited = reductions + 1, 0
    return settings.plateau_factor**reductions
