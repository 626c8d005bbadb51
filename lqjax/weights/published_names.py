"""What torchvision and timm call the arrays of our networks.

A name of ours is the path through `Network.shapes()`, such as "layer1/0/conv1/kernel".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

Tensor = TypeVar("Tensor")

LEAVES = {
    ("conv", "kernel"): "weight",
    ("dense", "kernel"): "weight",
    ("norm", "scale"): "weight",
    ("norm", "mean"): "running_mean",
    ("norm", "var"): "running_var",
}
"""Kind of layer and our name -> theirs; offsets are `bias` everywhere."""

ALEXNET = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "fc8": "classifier.6",
}
"""Layers of torchvision's AlexNet; those between have no weights."""

SHORTCUT = {"conv": "0", "bn": "1"}
"""Parts of a residual block's `downsample`."""

HEADS = ("fc", "fc8")
"""The layers that give logits."""

EXTRA = "head"
"""Where extra layers before it lie (model.head_layers); nothing that is published has them."""

EXTRA_LAYER = re.compile(rf"{EXTRA}\.\d+\.(weight|bias)$")
"""Keys of extra layers; `head.weight` is what others call the layer that gives logits."""

STEM_LAYER = "conv1"
"""The layer that reads the image."""

STEM, HEAD = "stem", "head"
"""What `key_of` knows."""

POOLED = "fc6"
"""The layer whose inputs are pixels of a map."""

COUNTED = "num_batches_tracked"
"""Beside the statistics of every batch norm of theirs: how many batches they saw."""

WRAPPINGS = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning put before every name, one before the other."""

WRAPPED = re.compile(rf"(?:{'|'.join(map(re.escape, WRAPPINGS))})*")

FIRST, THEN = ("conv", "bn"), ("layer", "downsample", "fc", EXTRA)
"""Parts of a network or a block as it computes them; of the first, each `conv` with its `bn`."""

LEAF_ORDER = ("kernel", "scale", "bias", "mean", "var")
"""Arrays of a layer as PyTorch lists them."""


@dataclass(frozen=True)
class Place:
    """Where an array of ours lies in theirs.

    Attributes:
      key: their name.
      kind: "conv", "dense" or "norm".
      head: whether it belongs to the layer that gives logits, or to extra ones before it.
      pooled: whether its inputs are (channel, row, column) there, and (row, column, channel) here.
      stem: whether it reads the channels of the image.
    """

    key: str
    kind: str
    head: bool
    pooled: bool
    stem: bool


def place_of(model: str, name: str) -> Place:
    """Say where an array of ours lies.

    Args:
      model: name of the network.
      name: such as "layer1/0/downsample/conv/kernel" or "fc8/bias".
    """
    *layers, leaf = name.split("/")
    last = layers[-1]
    if layers[0] == EXTRA:
        key = ".".join([*layers, LEAVES.get(("dense", leaf), leaf)])
        return Place(key, "dense", head=True, pooled=False, stem=False)
    kind = "conv" if last.startswith("conv") else "norm" if last.startswith("bn") else "dense"
    theirs = [ALEXNET[last]] if model.startswith("alexnet") else _layers(layers)
    key = ".".join([*theirs, LEAVES.get((kind, leaf), leaf)])
    return Place(key, kind, last in HEADS, last == POOLED, layers == [STEM_LAYER])


def forward_order(name: str) -> tuple[tuple[int, int, int, str], ...]:
    """Give what sorts arrays of ours as networks compute with them, which PyTorch lists them in.

    Args:
      name: such as "layer1/0/conv1/kernel"; what is not known here comes last.
    """
    *layers, leaf = name.split("/")
    steps = tuple(_step(layer) for layer in layers)
    last = LEAF_ORDER.index(leaf) if leaf in LEAF_ORDER else len(LEAF_ORDER)
    return (*steps, (last, 0, 0, leaf))


def _step(layer: str) -> tuple[int, int, int, str]:
    word = layer.rstrip("0123456789")
    number = int(layer[len(word) :] or 0)
    if word in FIRST:
        return 0, number, FIRST.index(word), word
    known = word in THEN and layer not in HEADS
    return (THEN.index(word) if known else len(THEN)) + 1, number, 0, word


def key_of(model: str, which: str) -> str:
    """Name the kernel of the first layer (`STEM`) or of the one that gives logits (`HEAD`)."""
    head = HEADS[1] if model.startswith("alexnet") else HEADS[0]
    return place_of(model, f"{STEM_LAYER if which == STEM else head}/kernel").key


class Unwrapped(dict[str, Tensor]):
    """Tensors by name, without what wrappers put before it.

    Attributes:
      wrapping: what that was; the same for all.
    """

    def __init__(self, tensors: Mapping[str, Tensor], wrapping: str) -> None:
        super().__init__(tensors)
        self.wrapping = wrapping


def unwrapped(tensors: Mapping[str, Tensor]) -> Unwrapped[Tensor]:
    """Take off what wrappers put before all names of a file, in whatever order and how often."""
    found = WRAPPED.match(_beginning(tensors))
    wrapping = found[0] if found else ""
    if wrapping in tensors:  # nothing would be left of that name
        wrapping = ""
    return Unwrapped({name[len(wrapping) :]: t for name, t in tensors.items()}, wrapping)


def _beginning(names: Iterable[str]) -> str:
    """Return what all names begin with: of the first and the last in order, all the others do."""
    listed = list(names)
    if not listed:
        return ""
    pairs = zip(min(listed), max(listed), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def in_file(tensors: Mapping[str, Any], key: str) -> str:
    """Name a key as it stands in the file, or would, if the file had it."""
    return tensors.wrapping + key if isinstance(tensors, Unwrapped) else key


def _layers(layers: list[str]) -> list[str]:
    if layers[-2:-1] == ["downsample"]:
        return [*layers[:-1], SHORTCUT[layers[-1]]]
    return layers
