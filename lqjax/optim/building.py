"""From settings to an optax optimiser."""

from __future__ import annotations

import optax

from lqjax.config import Config
from lqjax.optim.base import OPTIMIZERS, SCHEDULES


def build_schedule(config: Config, total_steps: int, steps_per_epoch: int) -> optax.Schedule:
    """Build the learning rate by step: the named schedule under a linear warm-up from zero.

    The first step already moves: at step s of w warm-up steps the factor is (s + 1) / w.

    Raises:
      ValueError: unknown schedule.
    """
    peak = config.optimizer.learning_rate
    base = SCHEDULES[config.schedule.name](config.schedule, peak, total_steps, steps_per_epoch)
    warmup = round(config.schedule.warmup_epochs * steps_per_epoch)
    if not warmup:
        return base
    rise = optax.linear_schedule(peak / warmup, peak, max(1, warmup - 1))

    def schedule(step: optax.Numeric) -> optax.Numeric:
        return rise(step) * (step < warmup) + base(step) * (step >= warmup)

    return schedule


def build_optimizer(config: Config, schedule: optax.Schedule) -> optax.GradientTransformation:
    """Build the optimiser: gradient clipping if asked for, then the named update rule.

    Raises:
      ValueError: unknown optimiser.
    """
    rule = OPTIMIZERS[config.optimizer.name](config.optimizer, schedule)
    if config.optimizer.gradient_clip:
        return optax.chain(optax.clip_by_global_norm(config.optimizer.gradient_clip), rule)
    return rule
