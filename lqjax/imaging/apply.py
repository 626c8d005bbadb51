"""Apply a condition to a batch: one compiled program for all severities of a chain."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.imaging.colour import as_colour, grey_levels, luma
from lqjax.imaging.conditions import Condition, Step
from lqjax.imaging.keys import example_keys
from lqjax.imaging.levels import as_float, from_levels, to_levels, truncate
from lqjax.imaging.operations import OPERATIONS
from lqjax.typing import Images

_SEEDS = 1 << 32

StepStructure = tuple[str, int, tuple[tuple[str, float | int], ...], bool, bool]
"""What a compiled program is fixed to: operation, stream, static parameters, truncation, and
whether grey images are degraded as colour."""

Levels = jax.Array | np.ndarray
Values = tuple[dict[str, np.ndarray | jax.Array], ...]
"""The traced parameters, by step and name."""


def apply_condition(
    condition: Condition, images: Levels, numbers: Levels, seed: int | jax.Array
) -> Images:
    """Degrade (and restore) a batch as the condition says.

    Conditions that differ in traced parameters only share one compiled program. The noise of an
    example depends on (seed, operation, example) and on nothing else.

    Args:
      condition: from `conditions.parse` or `conditions.expand`.
      images: (batch, height, width, 1 or 3), uint8 or float32 in [0, 1].
      numbers: uint32, (batch,), from `keys.example_numbers`.
      seed: any whole number; may be traced (uint32).

    Returns:
      float32 in [0, 1], of the same shape. `clean` only converts.
    """
    program, arguments = prepare(condition, images, numbers, seed)
    return program(*arguments)


def prepare(
    condition: Condition, images: Levels, numbers: Levels, seed: int | jax.Array
) -> tuple[Any, tuple[Any, ...]]:
    """Give the compiled program of a condition and its arguments, for a look at memory and time.

    Args:
      condition, images, numbers, seed: as for `apply_condition`.

    Returns:
      What `jax.jit` made, to be called with the arguments or lowered with them.
    """
    structure = tuple(_structure(step) for step in condition.steps)
    values = tuple(_traced_values(step) for step in condition.steps)
    return chain_program(structure), (images, numbers, _seed(seed), values)


@functools.cache
def chain_program(structure: tuple[StepStructure, ...]) -> Callable[..., Images]:
    """Compile the chain `(images, numbers, seed, values) -> images` once for its structure."""

    def chain(images: jax.Array, numbers: jax.Array, seed: jax.Array, values: Values) -> Images:
        images = as_float(images)
        for (name, stream, static, quantize, as_rgb), traced in zip(structure, values, strict=True):
            operation = OPERATIONS[name]
            keys = example_keys(seed, stream, numbers)
            tripled = as_rgb and images.shape[-1] == 1
            given = as_colour(images) if tripled else images
            images = operation(keys, given, **traced, **dict(static))
            images = truncate(images) if quantize else images
            if tripled:
                images = from_levels(grey_levels(to_levels(images))) if quantize else luma(images)
        return images

    return jax.jit(chain)


def _structure(step: Step) -> StepStructure:
    static = tuple((p.name, step.parameters[p.name]) for p in step.operation.parameters if p.static)
    return step.operation.name, step.stream, static, step.quantize, step.grey_as_colour


def _traced_values(step: Step) -> dict[str, np.ndarray]:
    # One dtype whatever the user wrote, or sigma=1 and sigma=0.5 would compile twice.
    return {
        p.name: np.asarray(step.parameters[p.name], np.int32 if p.whole else np.float32)
        for p in step.operation.parameters
        if not p.static
    }


def _seed(seed: int | jax.Array) -> jax.Array | np.ndarray:
    if isinstance(seed, jax.Array):
        return seed.astype(jnp.uint32)
    return np.asarray(operator.index(seed) % _SEEDS, np.uint32)
