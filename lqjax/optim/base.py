"""The registries of optimisers and schedules, and what their builders take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import optax

from lqjax.config import OptimizerConfig, ScheduleConfig
from lqjax.registry import Registry

OptimizerBuilder = Callable[[OptimizerConfig, optax.Schedule], optax.GradientTransformation]
"""(settings without gaps, rate by step) -> update rule."""

ScheduleBuilder = Callable[[ScheduleConfig, float, int, int], optax.Schedule]
"""(settings, peak rate, total steps, steps per epoch) -> rate by step."""


@dataclass(frozen=True)
class UpdateRule:
    """An optimiser as its file declares it.

    Attributes:
      build: makes the optax transformation.
      published: the value of every setting that the rule uses, as published.
      averages: evaluation needs other weights than training: see `evaluation_params`.
      nesterov: it obeys `optimizer.nesterov`.
    """

    build: OptimizerBuilder
    published: Mapping[str, float]
    averages: bool = False
    nesterov: bool = False


OPTIMIZERS: Registry[UpdateRule] = Registry("optimizer", "lqjax.optim")
SCHEDULES: Registry[ScheduleBuilder] = Registry("schedule", "lqjax.optim")


def update_rule(
    name: str, published: Mapping[str, float], *, averages: bool = False, nesterov: bool = False
) -> Callable[[OptimizerBuilder], OptimizerBuilder]:
    """Return a decorator that registers a builder with its published values."""

    def add(build: OptimizerBuilder) -> OptimizerBuilder:
        OPTIMIZERS.add(name, UpdateRule(build, published, averages, nesterov))
        return build

    return add
