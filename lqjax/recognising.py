"""Which network the arrays of a file belong to, by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from lqjax.models.base import MODELS
from lqjax.models.network import build
from lqjax.named_arrays import named
from lqjax.weights.belongings import PUBLISHED
from lqjax.weights.matching import QUESTION
from lqjax.weights.published_names import COUNTED, Place, place_of
from lqjax.weights.transposing import shape_there


@dataclass(frozen=True)
class Nearest:
    """The network that a file has most in common with; the last layer does not count.

    Attributes:
      model: its name.
      shared: how many of its arrays are in the file under their names and in their shapes.
      total: how many it has.
      whole: whether it has all that the file has, and the file all that it has.
    """

    model: str
    shared: int
    total: int
    whole: bool


def nearest_network(tensors: Mapping[str, np.ndarray], stem: str) -> Nearest:
    """Find the network that shares the most of its arrays, and of the file's, with a file.

    Args:
      tensors: as `lqjax.weights.reading.read_tensors` gives them.
      stem: first layers of the networks it is held against, "imagenet" or "small".
    """
    shapes = {key: array.shape for key, array in tensors.items() if not key.endswith(f".{COUNTED}")}
    found = [_nearness(model, shapes, stem) for model in MODELS.names()]
    return max(found, key=lambda pair: pair[0])[1]


def with_its_network(
    error: ValueError, tensors: Mapping[str, np.ndarray], model: str, stem: str
) -> str:
    """Add to what does not fit a network which one the file is of, where that is known."""
    near = nearest_network(tensors, stem)
    if not near.whole or near.model == model:
        return str(error)
    return f"{str(error).removesuffix(QUESTION)}; it fits {near.model}"


def _nearness(
    model: str, shapes: Mapping[str, tuple[int, ...]], stem: str
) -> tuple[float, Nearest]:
    wanted, heads = _published(model, MODELS[model].make, stem)
    theirs = shapes.keys() - heads
    shared = sum(_alike(shapes[key], wanted[key]) for key in theirs & wanted.keys())
    union = len(theirs | wanted.keys())
    return shared / union, Nearest(model, shared, len(wanted), shared == union)


@cache
def _published(
    model: str, make: object, stem: str
) -> tuple[dict[str, tuple[int | None, ...]], frozenset[str]]:
    """List the arrays of a network by their published keys, and the keys of its last layer.

    Building a deep network takes a moment, even without its numbers, and files are held against
    all of them. The number of channels that the first layer reads is `None`.

    Args:
      make: of the registry; another one under the same name is another network.
    """
    network = build(model, num_classes=1, image_size=PUBLISHED.image_size, stem=stem)
    leaves = named(*network.shapes())
    places = {name: place_of(model, name) for name in leaves}
    wanted = {
        place.key: _shape(leaves[name].shape, place)
        for name, place in places.items()
        if not place.head
    }
    return wanted, frozenset(place.key for place in places.values() if place.head)


def _shape(ours: tuple[int, ...], place: Place) -> tuple[int | None, ...]:
    shape = shape_there(ours, place)
    return (shape[0], None, *shape[2:]) if place.stem and len(shape) > 1 else shape


def _alike(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        number is None or side == number for side, number in zip(shape, wanted, strict=True)
    )
