"""The registries of optimisers and schedules, and what their builders take."""

from __future__ import annotations

from collections.abc import Callable

import optax

from lqjax.config import OptimizerConfig, ScheduleConfig
from lqjax.registry import Registry

OptimizerBuilder = Callable[[OptimizerConfig, optax.Schedule], optax.GradientTransformation]
ScheduleBuilder = Callable[[ScheduleConfig, float, int, int], optax.Schedule]
"""(settings, peak rate, total steps, steps per epoch) -> rate by step."""

OPTIMIZERS: Registry[OptimizerBuilder] = Registry("optimizer", "lqjax.optim")
SCHEDULES: Registry[ScheduleBuilder] = Registry("schedule", "lqjax.optim")
