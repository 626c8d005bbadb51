"""The record of a measure, its registry, and how all of them are taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lqjax.auditing.reading import Facts
from lqjax.auditing.samples import Samples
from lqjax.registry import Registry

OfFile = Callable[[Facts], float]
OfImages = Callable[[Samples], jax.Array]

PIXELS_AT_A_TIME = 2**16
"""A CPU looks at as few pictures at a time as have so many: the arrays that are made of them stay
in its cache, and the blur of 224 px took two thirds of the time that it took among 32 pictures."""


@dataclass(frozen=True)
class Measure:
    """One number of a picture.

    Attributes:
      unit: "px", "bit", "1"; what one step of the number means.
      meaning: one short phrase for lists and reports.
      of_file: takes it from the facts of the file, on the host; NaN where it has no meaning.
      of_images: takes it of a batch, on the device: float32, (batch,); pure, each picture by
        itself, NaN where it has no meaning. A measure has one of the two.
    """

    unit: str
    meaning: str
    of_file: OfFile | None = None
    of_images: OfImages | None = None


MEASURES: Registry[Measure] = Registry("measure", "lqjax.auditing.measures")


def file_measure(name: str, unit: str, meaning: str) -> Callable[[OfFile], OfFile]:
    """Return a decorator that registers a measure of the file."""

    def add(function: OfFile) -> OfFile:
        MEASURES.add(name, Measure(unit, meaning, of_file=function))
        return function

    return add


def image_measure(name: str, unit: str, meaning: str) -> Callable[[OfImages], OfImages]:
    """Return a decorator that registers a measure of the pixels."""

    def add(function: OfImages) -> OfImages:
        MEASURES.add(name, Measure(unit, meaning, of_images=function))
        return function

    return add


def measures_of_images(samples: Samples) -> dict[str, jax.Array]:
    """Take all measures of the pixels: float32, (batch,) each; for `jit`."""
    chosen = {name: MEASURES[name].of_images for name in MEASURES}
    return {name: take(samples) for name, take in chosen.items() if take is not None}


def measures_of_file(facts: Facts) -> dict[str, float]:
    """Take all measures of the file."""
    chosen = {name: MEASURES[name].of_file for name in MEASURES}
    return {name: float(take(facts)) for name, take in chosen.items() if take is not None}


def few_at_a_time(
    look: Callable[[jax.Array, jax.Array], jax.Array], pixels: jax.Array, extent: jax.Array
) -> jax.Array:
    """Look at a batch as a whole, or on a CPU at a few pictures at a time.

    Args:
      look: from pixels and extent to one number a picture, each by itself.
      pixels: (batch, height, width).
      extent: height and width of the pictures in px, int32, (batch, 2); of what only fills up the
        batch 0, which may be left out.

    Returns:
      What `look` does, float32, (batch,); 0 or that where the extent is 0.
    """
    if jax.default_backend() != "cpu":
        return look(pixels, extent)
    few = max(PIXELS_AT_A_TIME // pixels[0].size, 1)
    count = math.gcd(len(pixels), 2 ** (few.bit_length() - 1))

    def unless_empty(group: tuple[jax.Array, jax.Array]) -> jax.Array:
        # What is done on a condition also gets arrays of its own: where pixels are picked out of
        # the batch one by one, sums over neighbours take several times as long.
        nothing = jnp.zeros(count, jnp.float32)
        return jax.lax.cond(jnp.any(group[1] > 0), look, lambda *_: nothing, *group)

    groups = tuple(array.reshape(-1, count, *array.shape[1:]) for array in (pixels, extent))
    return jax.lax.map(unless_empty, groups).reshape(-1)
