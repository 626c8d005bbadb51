"""Array aliases and the small records that packages hand each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

Images = Float[Array, "batch height width channel"]
"""Float32 images in [0, 1], NHWC, 1 or 3 channels."""

ImageBytes = UInt8[np.ndarray, "batch height width channel"]
"""8-bit images on the host, NHWC."""

Labels = Int[Array, " batch"]
"""Class indices."""

Logits = Float[Array, "batch class"]
"""Unnormalised log probabilities."""

Keys = jax.Array
"""A batch of typed PRNG keys, shape (batch,), one per example."""

Scalar = float | int | np.number | np.ndarray | jax.Array
"""One number; traced under jit, plain outside."""

Tree = Any
"""A nested dict (pytree) of arrays."""


def taken(values: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """Select rows of what not every data set has."""
    return None if values is None else values[rows]


@dataclass(frozen=True)
class Split:
    """One split of a data set, in host memory.

    Attributes:
      images: uint8, (examples, height, width, channels).
      labels: int32, (examples,), each in [0, classes).
      ids: one string per example, unique in the data set and stable when files are added
        ("test/cat/0001.jpg", "train/17"). The noise that an example gets depends on it.
      groups: what belongs together, such as images of one patient: a string per example, or `None`
        where each example stands for itself.
      weights: how much each example counts in the training loss, float32, or `None` where all
        count the same.
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Split:
        """Select rows, in the order given."""
        groups, weights = taken(self.groups, rows), taken(self.weights, rows)
        return Split(self.images[rows], self.labels[rows], self.ids[rows], groups, weights)


@dataclass(frozen=True)
class Dataset:
    """A labelled image data set with its three splits.

    Attributes:
      name: short name used in rows and reports.
      train, validation, test: the splits; images of all three have one size.
      class_names: one per class, in label order.
      skipped: (file, reason) of every image left out under `on_bad_image="skip"`.
      credit: source and licence, one line; empty when unknown.
      notes: what the loader did that a reader should know (splits made here), one line each.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    credit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def image_size(self) -> int:
        """Side of the (square) images in pixels."""
        return int(self.train.images.shape[1])

    @property
    def channels(self) -> int:
        """Number of channels, 1 or 3."""
        return int(self.train.images.shape[3])

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)
