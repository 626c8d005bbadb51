"""The record of a measure, its registry, and how all of them are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax

from lqjax.auditing.reading import Facts
from lqjax.auditing.samples import Samples
from lqjax.registry import Registry

OfFile = Callable[[Facts], float]
OfImages = Callable[[Samples], jax.Array]


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
