"""From settings to an optax optimiser."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
import optax

from lqjax.config import AS_PUBLISHED, Config, OptimizerConfig
from lqjax.optim.averaging import averaged_params
from lqjax.optim.base import OPTIMIZERS, SCHEDULES
from lqjax.optim.parts import Part, by_parts, only_open
from lqjax.optim.plateau import plateau_factor
from lqjax.optim.scaling import batch_factor
from lqjax.typing import Tree

NOT_GIVEN = {
    "learning_rate": 0.0,
    "momentum": AS_PUBLISHED,
    "beta1": AS_PUBLISHED,
    "beta2": AS_PUBLISHED,
    "epsilon": 0.0,
    "weight_decay": AS_PUBLISHED,
}
"""The settings that have published values, and what stands for them."""


def resolve(settings: OptimizerConfig) -> OptimizerConfig:
    """Fill in the published values; what the optimiser does not use stays unset.

    Raises:
      ValueError: unknown optimiser, or a value for a setting that it does not use.
    """
    rule = OPTIMIZERS[settings.name]
    if settings.nesterov and not rule.nesterov:
        raise ValueError(
            f"optimizer.nesterov=True is not possible with {settings.name}, which has no such form;"
            " allowed with sgd; set it to False"
        )
    filled: dict[str, Any] = {}
    for name, not_given in NOT_GIVEN.items():
        value = getattr(settings, name)
        if name in rule.published:
            filled[name] = rule.published[name] if value == not_given else value
        elif value != not_given:
            raise ValueError(
                f"optimizer.{name}={value:g} has no effect: {settings.name} does not use it; it"
                f" uses {', '.join(rule.published)}; leave {name} out or set it to {not_given:g}"
            )
    return dataclasses.replace(settings, **filled)


def check_optimizer(config: Config) -> None:
    """Refuse settings of optimiser and schedule that do not go together, before anything runs.

    Raises:
      ValueError: an unknown name, a setting that is not used, or a pair that does not fit.
    """
    settings = resolve(config.optimizer)
    SCHEDULES[config.schedule.name]
    name, schedule = config.optimizer.name, config.schedule.name
    OPTIMIZERS[name].build(settings, optax.constant_schedule(settings.learning_rate))
    if not OPTIMIZERS[name].averages:
        return
    if schedule != "constant":
        raise ValueError(
            f"schedule.name={schedule} does not go with optimizer.name={name}, whose average takes"
            " the place of a falling rate; set schedule.name=constant (a warm-up may stay)"
        )
    if config.training.ema_decay:
        raise ValueError(
            f"training.ema_decay={config.training.ema_decay:g} does not go with"
            f" optimizer.name={name}, which averages the weights itself; set it to 0"
        )


def describe_optimizer(*configs: Config) -> str:
    """Say in one line what trains: the values that the optimiser uses, published ones included.

    Args:
      configs: settings that differ in the learning rate only, at least one.
    """
    settings = resolve(configs[0].optimizer)
    used = OPTIMIZERS[settings.name].published
    values = {name: f"{getattr(settings, name):g}" for name in used}
    values["learning_rate"] = " | ".join(f"{peak_rate(config):g}" for config in configs)
    listing = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())
    return f"{settings.name}: {listing}; schedule {configs[0].schedule.name}"


def peak_rate(config: Config) -> float:
    """Compute the largest learning rate: given or published, scaled with the batch if asked for."""
    rate = resolve(config.optimizer).learning_rate
    return rate * batch_factor(config.optimizer, config.training.batch_size)


def build_schedule(config: Config, total_steps: int, steps_per_epoch: int) -> optax.Schedule:
    """Build the learning rate by step: the named schedule under a linear warm-up from zero.

    The first step already moves: at step s of w warm-up steps the factor is (s + 1) / w. Steps
    and epochs of the schedule count from the start of training, not from the end of the warm-up;
    cosine falls over the steps that follow it.

    Raises:
      ValueError: unknown schedule or optimiser.
    """
    peak = peak_rate(config)
    base = SCHEDULES[config.schedule.name](config.schedule, peak, total_steps, steps_per_epoch)
    warmup = round(config.schedule.warmup_epochs * steps_per_epoch)
    if not warmup:
        return base
    rise = optax.linear_schedule(peak / warmup, peak, max(1, warmup - 1))

    def schedule(step: optax.Numeric) -> optax.Numeric:
        return jnp.where(step < warmup, rise(step) * (base(step) / peak), base(step))

    return schedule


def rate_factor(config: Config, validation_losses: Sequence[float]) -> float:
    """Compute what the updates of the next epoch are multiplied by, from the epochs so far.

    It is 1 for every schedule but `plateau`. The rate multiplies the whole update of every
    optimiser that plateau goes with, weight decay included, so that this is the same as a lower
    rate.
    """
    if config.schedule.name != "plateau":
        return 1.0
    return plateau_factor(config.schedule, validation_losses)


def evaluation_params(config: Config, optimizer_state: Any, params: Tree) -> Tree:
    """Return the weights to evaluate: the average of a schedule-free optimiser, or `params`.

    Batch statistics that were gathered in training belong to `params`: a network that has them
    needs them gathered anew, by forward passes in training mode with these weights.
    """
    if not OPTIMIZERS[config.optimizer.name].averages:
        return params
    return averaged_params(optimizer_state, params)


def build_optimizer(
    config: Config, schedule: optax.Schedule, parts: Sequence[Part] = ()
) -> optax.GradientTransformationExtraArgs:
    """Build the optimiser: gradient clipping if asked for, then the named update rule.

    Args:
      parts: of the parameters, with rates and first steps of their own, from
        `lqjax.training.stages`; empty: all are trained alike.

    Returns:
      A transformation whose update takes `(gradients, state, params, step=..., logits_of=...)`;
      `step` is needed where there are parts; `logits_of`, from params to the logits of the batch,
      or a part of it, in training mode, is called by sophia only.

    Raises:
      ValueError: as `check_optimizer`.
    """
    check_optimizer(config)
    build = partial(OPTIMIZERS[config.optimizer.name].build, resolve(config.optimizer))
    rule = by_parts(build, schedule, parts) if parts else build(schedule)
    if config.optimizer.gradient_clip:
        rule = optax.chain(optax.clip_by_global_norm(config.optimizer.gradient_clip), rule)
        if any(part.first_step for part in parts):  # they do not count in the norm before
            rule = optax.chain(only_open(parts), rule)
    return optax.with_extra_args_support(rule)
