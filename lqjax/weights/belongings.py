"""What weights were made for: size and normalisation of the images, first layer, classes."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lqjax.weights.safetensors_file import is_safetensors, read_notes

NOTE = "lqjax"
"""Name of the text in the header of our own files."""

STEMS = ("imagenet", "small")

LARGEST_SIDE = 2**14

LARGEST_WIDTH = 2**16
"""Of an extra dense layer."""

MOST_LAYERS = 128
"""Extra dense layers; each takes milliseconds to build, and no head has more than a few."""


@dataclass(frozen=True)
class Belongings:
    """What weights were made for.

    Attributes:
      model: name of the network; empty where the file does not say.
      image_size: side of the square images in pixels.
      channels: 1 or 3.
      mean, std: per channel, of images in [0, 1].
      stem: first layers, "imagenet" or "small".
      class_names: in the order of the logits; empty where the file does not say.
      head_layers: widths of extra dense layers before the logits.
    """

    model: str
    image_size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    stem: str
    class_names: tuple[str, ...] = ()
    head_layers: tuple[int, ...] = ()

    def statistics(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation for images of so many channels.

        Grey images get the means over the channels of colour ones, and colour ones those of grey.
        """
        if len(self.mean) == channels:
            return self.mean, self.std
        mean, std = (sum(values) / len(values) for values in (self.mean, self.std))
        return (mean,) * channels, (std,) * channels

    def note(self) -> str:
        """Write it as the text that `belongings_of_file` reads."""
        return json.dumps(asdict(self))


PUBLISHED = Belongings("", 224, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "imagenet")
"""ImageNet's, as torchvision and timm publish them.

Source: https://docs.pytorch.org/vision/stable/models.html, transforms of every set of weights of
these networks.
"""


def belongings_of_file(path: Path) -> Belongings:
    """Read what our own files say; others are taken for published weights.

    Raises:
      ValueError: naming the file, where it is damaged.
    """
    try:
        if not is_safetensors(path):
            return PUBLISHED
        notes = read_notes(path)
        return from_record(json.loads(notes[NOTE])) if NOTE in notes else PUBLISHED
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be used: {' '.join(str(error).split())}") from None


def from_record(record: Any) -> Belongings:
    """Check what a file says, such as the `model.json` of a run.

    Raises:
      ValueError: something is missing or impossible; it is named.
    """
    if not isinstance(record, Mapping):
        raise ValueError(f"it says nothing of its weights, only {type(record).__name__}")
    size, channels = (_whole(record, name) for name in ("image_size", "channels"))
    if not 0 < size <= LARGEST_SIDE or channels not in (1, 3):
        said = f"image_size={_shown(size)}, channels={_shown(channels)}"
        raise ValueError(f"it says {said}, which cannot be")
    mean, std = (_numbers(record, name, channels) for name in ("mean", "std"))
    if min(std) <= 0:
        raise ValueError(f"it says std={_shown(list(std))}, which cannot be")
    names, stem, model = record.get("class_names"), record.get("stem"), record.get("model")
    if stem not in STEMS or not isinstance(model, str):
        raise ValueError(f"it says model={_shown(model)}, stem={_shown(stem)}, which cannot be")
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ValueError("it has no list of class_names")
    layers = record.get("head_layers", ())  # earlier versions had none
    if not isinstance(layers, (list, tuple)) or not all(
        type(width) is int and 0 < width <= LARGEST_WIDTH for width in layers
    ):
        raise ValueError(f"it says head_layers={_shown(layers)}, which cannot be")
    if len(layers) > MOST_LAYERS:
        raise ValueError(
            f"it says head_layers={_shown(layers)}, {len(layers)} layers; at most {MOST_LAYERS} are"
            " built"
        )
    return Belongings(model, size, channels, mean, std, stem, tuple(names), tuple(layers))


def _whole(record: Mapping[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int:
        raise ValueError(f"it says {name}={_shown(value)}, which is no whole number")
    return value


def _numbers(record: Mapping[str, Any], name: str, count: int) -> tuple[float, ...]:
    values = record.get(name)
    if not isinstance(values, (list, tuple)) or len(values) != count:
        raise ValueError(f"it says {name}={_shown(values)}, and has {count} channels")
    if not all(type(v) in (int, float) and _is_finite(v) for v in values):
        raise ValueError(f"it says {name}={_shown(values)}, which are no numbers")
    return tuple(map(float, values))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # whole numbers of JSON have as many digits as they like
        return False


def _shown(value: Any) -> str:
    """Write what a file says, in part where it is long."""
    return reprlib.repr(value)
