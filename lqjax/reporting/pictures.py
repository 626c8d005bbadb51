"""Test images that a working directory keeps for the report, where the data may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from etils import epath

from lqjax.workdir import Workdir, read_arrays

TEXTS = ("models", "others", "conditions", "labels", "ids", "true", "given", "others_given")
"""What is written about each mistake, beside the picture and two numbers."""


@dataclass(frozen=True)
class Gallery:
    """Degraded examples: images uint8 (conditions, examples, height, width, channels).

    Attributes:
      labels, captions: per condition its name for people, per example its class.
      psnr, ssim: against the clean image, (conditions, examples); `None` where not measured.
    """

    images: np.ndarray
    labels: tuple[str, ...]
    captions: tuple[str, ...]
    psnr: np.ndarray | None = None
    ssim: np.ndarray | None = None


@dataclass(frozen=True)
class Mistake:
    """A confident wrong answer.

    Attributes:
      image: what the network saw, uint8, (height, width, 1 or 3).
      model, given, confidence: who answered what, and how surely (0 to 1).
      other, other_given, other_confidence: what the other model said; no name, no other.
      condition, label: the condition, and its name for people.
      example, true: id and class of the image.
    """

    image: np.ndarray
    model: str
    other: str
    condition: str
    label: str
    example: str
    true: str
    given: str
    other_given: str
    confidence: float
    other_confidence: float


def read_gallery(
    workdirs: Sequence[Workdir], configs: Sequence[Mapping[str, Any]]
) -> tuple[Gallery | None, list[str]]:
    """Read the first gallery there is, and its conditions in the order of their evaluation."""
    arrays = _first([w.gallery for w in workdirs], configs)
    if arrays is None:
        return None, []
    texts = {k: [str(v) for v in arrays[k]] for k in ("conditions", "labels", "captions")}
    gallery = Gallery(
        arrays["images"],
        tuple(texts["labels"]),
        tuple(texts["captions"]),
        arrays.get("psnr"),
        arrays.get("ssim"),
    )
    return gallery, texts["conditions"]


def read_mistakes(
    workdirs: Sequence[Workdir], configs: Sequence[Mapping[str, Any]]
) -> tuple[Mistake, ...]:
    """Read the first mistakes there are; none where images may not be shown."""
    arrays = _first([w.mistakes for w in workdirs], configs)
    if arrays is None:
        return ()
    columns = zip(
        arrays["images"],
        *([str(text) for text in arrays[key]] for key in TEXTS),
        arrays["confidences"].tolist(),
        arrays["others_confidences"].tolist(),
        strict=True,
    )
    return tuple(Mistake(*values) for values in columns)


def _first(
    paths: Sequence[epath.Path], configs: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    for path, config in zip(paths, configs, strict=True):
        if config.get("evaluation", {}).get("show_images", True) and path.exists():
            return read_arrays(path)
    return None
