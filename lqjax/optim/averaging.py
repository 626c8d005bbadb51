"""Schedule-free learning: averaged weights in place of a falling rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import optax
import optax.contrib

from lqjax.typing import Tree

AVERAGE_POWER = 2.0
"""A step's weight in the average is the largest rate so far to this power (published default)."""


def averaged(
    rule: optax.GradientTransformation,
    schedule: optax.Schedule,
    interpolation: float,
    setting: str,
) -> optax.GradientTransformationExtraArgs:
    """Wrap a rule without momentum: gradients are taken between its weights and their average.

    Args:
      interpolation: share of the average in the weights that are trained, above 0.
      setting: the field of OptimizerConfig that it came from, for the error message.

    Raises:
      ValueError: an interpolation of 0.

    Source: Defazio et al., "The road less scheduled", 2024.
    """
    if not interpolation > 0:
        raise ValueError(
            f"optimizer.{setting}={interpolation:g} is not possible with a schedule-free optimizer;"
            f" allowed: above 0, or -1 for the published value"
        )
    return optax.contrib.schedule_free(
        rule,
        # optax counts the wrapper's steps from 1 and the rule's from 0.
        learning_rate=lambda count: schedule(count - 1),
        b1=interpolation,
        weight_lr_power=AVERAGE_POWER,
    )


def averaged_params(optimizer_state: Any, params: Tree) -> Tree:
    """Return the average that belongs to the trained weights, from anywhere in the state."""

    def is_found(node: Any) -> bool:
        return isinstance(node, optax.contrib.ScheduleFreeState)

    states = [s for s in jax.tree.leaves(optimizer_state, is_leaf=is_found) if is_found(s)]
    for state in states:  # one, or one for each part of the network; what is frozen has none
        if not isinstance(state.z, Mapping):
            return optax.contrib.schedule_free_eval_params(state, params)
        own = {name: params[name] for name in state.z}
        params = {**params, **optax.contrib.schedule_free_eval_params(state, own)}
    return params
