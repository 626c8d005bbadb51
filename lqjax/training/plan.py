"""How many steps there are, how the learning rate moves, and when training is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lqjax.config import Config
from lqjax.epochs import best_epoch
from lqjax.optim.building import build_schedule
from lqjax.rows import Epoch
from lqjax.runtime import read


@dataclass(frozen=True)
class Plan:
    """How many steps there are, and how the learning rate moves over them."""

    steps_per_epoch: int
    schedule: optax.Schedule

    def rates(self, first: int, count: int) -> np.ndarray:
        """Compute the learning rates of `count` steps from `first` on (steps count from 0)."""
        return read(jax.vmap(self.schedule)(jnp.arange(first, first + count)))


def make_plan(config: Config, examples: int) -> Plan:
    """Count the steps; the last, incomplete batch of an epoch is left out.

    Raises:
      ValueError: the batch is larger than the training split.
    """
    size = config.training.batch_size
    if examples < size:
        raise ValueError(
            f"training.batch_size={size} is larger than the {examples} training images;"
            f" choose at most {examples}"
        )
    steps = examples // size
    return Plan(steps, build_schedule(config, steps * config.training.epochs, steps))


def is_finished(config: Config, history: Sequence[Epoch]) -> bool:
    """Tell whether training is over: all epochs done, or patience at an end."""
    if not history:
        return False
    waited = history[-1].epoch - best_epoch(history).epoch
    return history[-1].epoch >= config.training.epochs or 0 < config.training.patience <= waited
