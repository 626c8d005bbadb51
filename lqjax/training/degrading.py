"""Degradations as augmentation: one condition a step, drawn by a scalar switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import Condition
from lqjax.typing import Images

Degrade = Callable[[jax.Array, Images, jax.Array], Images]


def random_degradation(conditions: Sequence[Condition], probability: float) -> Degrade:
    """Return `(key, images, numbers) -> images` that degrades a share of the batches.

    A step draws one condition for its whole batch: a switch per example would run every
    operation on every example. Within the batch each example has noise of its own.

    Args:
      conditions: what is drawn from, each as likely as the others.
      probability: share of the batches that are degraded at all.
    """

    def branch(condition: Condition) -> Callable[..., Images]:
        return lambda seed, images, numbers: apply_condition(condition, images, numbers, seed)

    branches = [lambda seed, images, numbers: images, *map(branch, conditions)]

    def degrade(key: jax.Array, images: Images, numbers: jax.Array) -> Images:
        choice_key, chance_key, seed_key = jax.random.split(key, 3)
        chosen = jax.random.randint(choice_key, (), 1, len(branches))
        index = jax.numpy.where(jax.random.bernoulli(chance_key, probability), chosen, 0)
        seed = jax.random.bits(seed_key, (), "uint32")
        return jax.lax.switch(index, branches, seed, images, numbers)

    return degrade
