"""A learning rate that rises and falls once."""

from __future__ import annotations

import jax.numpy as jnp
import optax

from lqjax.config import ScheduleConfig
from lqjax.optim.base import SCHEDULES


@SCHEDULES.register("one_cycle")
def one_cycle(
    settings: ScheduleConfig, peak: float, total_steps: int, steps_per_epoch: int
) -> optax.Schedule:
    """Rise to the peak and fall below the first rate, along half a cosine each.

    The rate starts at the peak over `rise_factor`, reaches the peak after `rise_fraction` of
    training and ends at the first rate over `fall_factor`, in the last step.

    Source: Smith and Topin, "Super-convergence", 2018, in the two-phase form of PyTorch's
    `OneCycleLR`; the momentum stays.
    """
    first = peak / settings.rise_factor
    last = first / settings.fall_factor
    top, end = settings.rise_fraction * total_steps - 1, total_steps - 1

    def schedule(step: optax.Numeric) -> optax.Numeric:
        fallen = jnp.minimum((step - top) / ((end - top) or 1.0), 1.0)
        return jnp.where(
            step < top,
            _along_cosine(first, peak, step / (top or 1.0)),
            _along_cosine(peak, last, fallen),
        )

    return schedule


def _along_cosine(start: float, end: float, share: optax.Numeric) -> optax.Numeric:
    return end + (start - end) / 2 * (1 + jnp.cos(jnp.pi * share))
