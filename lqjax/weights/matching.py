"""Published arrays put where a network of ours wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from lqjax.weights.published_names import (
    COUNTED,
    EXTRA_LAYER,
    HEAD,
    Place,
    forward_order,
    in_file,
    key_of,
    place_of,
)
from lqjax.weights.transposing import shape_there, to_ours

GREY, COLOUR = 1, 3
"""Channels of the image that first layers read."""

QUESTION = "; is it another network?"
"""What those who know the network of a file take off."""


@dataclass(frozen=True)
class Matched:
    """Arrays for a network.

    Attributes:
      arrays: by our name; those of the head are missing where a new one is needed.
      new_head: why the layer that gives logits starts anew; empty where it is taken over.
      stem: what was done to the first layer for images of other channels; empty: nothing.
    """

    arrays: Mapping[str, np.ndarray]
    new_head: str
    stem: str


def match(
    model: str,
    tensors: Mapping[str, np.ndarray],
    wanted: Mapping[str, tuple[int, ...]],
    keep_head: bool = True,
) -> Matched:
    """Find and turn every array that a network needs.

    Args:
      model: name of the network.
      tensors: as `lqjax.weights.reading.read_tensors` gives them.
      wanted: our name -> shape, of all parameters and statistics.
      keep_head: take over the layer that gives logits where its number of classes is the same.

    Raises:
      ValueError: naming the first key that is missing, in the order in which the network computes;
        or else the first one of the file that does not fit or belongs to nothing here.
    """
    found: dict[str, np.ndarray] = {}
    new_head = "" if keep_head else "its classes are others"
    stem = ""
    before, there = tensors, partial(in_file, tensors)
    places = {name: place_of(model, name) for name in sorted(wanted, key=forward_order)}
    heads = {place.key for place in places.values() if place.head}
    headless = heads.isdisjoint(tensors)
    if headless:  # of a backbone that was saved by itself
        new_head = new_head or "it has none"
        places = {name: place for name, place in places.items() if not place.head}
    elif _extra(heads) or _extra(tensors):  # all of the head fits, or all of it starts anew
        shapes = {place.key: shape_there(wanted[name], place) for name, place in places.items()}
        if any(key not in tensors or tensors[key].shape != shapes[key] for key in heads) or (
            _extra(heads) != _extra(tensors)
        ):
            new_head = new_head or "its layers are others (model.head_layers)"
            tensors = {k: a for k, a in tensors.items() if k not in heads | _extra(tensors)}
            places = {name: place for name, place in places.items() if not place.head}
    for place in places.values():
        if place.key not in tensors:
            raise ValueError(missing_key(model, place.key, before))
    order = {key: position for position, key in enumerate(tensors)}
    for name, place in sorted(places.items(), key=lambda found: order[found[1].key]):
        shape = wanted[name]
        array = to_ours(tensors[place.key], place)
        if place.stem and name.endswith("kernel"):
            array, stem = _to_channels(array, shape)
        if array.dtype != np.float32:
            raise ValueError(f"{there(place.key)} holds {array.dtype}, not floating-point numbers")
        if array.shape == shape:
            found[name] = array
        elif place.head and array.shape[:-1] == shape[:-1]:
            new_head = f"it was made for {array.shape[-1]} classes, not {shape[-1]}"
        else:
            named = there(place.key)
            raise ValueError(_misfit(model, place, named, tensors[place.key].shape, shape))
    used = {place.key for place in places.values()}
    for key in tensors:
        if key not in used and not key.endswith(COUNTED):
            lacks = f", and no {there(key_of(model, HEAD))}, its last layer" if headless else ""
            raise ValueError(f"it has {there(key)}, which {model} does not have{lacks}{QUESTION}")
    if new_head:
        found = {name: a for name, a in found.items() if not places[name].head}
    return Matched(found, new_head, stem)


def _extra(keys: Iterable[str]) -> set[str]:
    """Pick the keys of extra layers before the one that gives logits."""
    return {key for key in keys if EXTRA_LAYER.match(key)}


def _to_channels(kernel: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, str]:
    if kernel.ndim != 4 or len(shape) != 4:
        return kernel, ""
    if (kernel.shape[2], shape[2]) == (COLOUR, GREY):
        return kernel.sum(2, keepdims=True), "its first layer is summed over red, green and blue"
    if (kernel.shape[2], shape[2]) == (GREY, COLOUR):
        third = np.repeat(kernel / COLOUR, COLOUR, axis=2)
        return third, "its first layer, for grey images, reads the mean of red, green and blue"
    return kernel, ""


def missing_key(model: str, key: str, tensors: Mapping[str, np.ndarray]) -> str:
    """Say that a file lacks an array that a network needs, and what it has."""
    has = ", ".join(in_file(tensors, has) for has in list(tensors)[:3]) or "nothing"
    return f"it has no {in_file(tensors, key)}, which {model} needs (it has {has}, ...){QUESTION}"


def _misfit(
    model: str, place: Place, named: str, theirs: tuple[int, ...], ours: tuple[int, ...]
) -> str:
    why = (
        "; its first layer is another (model.stem), or its images have other channels"
        if place.stem
        else QUESTION
    )
    return f"{named} is {theirs} in it, and {shape_there(ours, place)} in {model}{why}"
