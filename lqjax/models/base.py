"""The record of a network architecture and the registry that holds all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from lqjax.models.draws import Draws
from lqjax.registry import Registry

STEMS = ("imagenet", "small")
"""First layers to choose from: as published, or without early downsampling for small images."""


Train = bool | Mapping[str, bool | jax.Array]
"""Whether a network is run as in training: all of it, or by the name of its layers. Those that are
missing in a mapping are; flags may be traced."""


def in_training(train: Train, layer: str) -> bool | jax.Array:
    """Tell whether a layer is run as in training, with batch statistics and dropout."""
    return train if isinstance(train, bool) else train.get(layer, True)


@dataclass(frozen=True)
class Settings:
    """What a builder needs to know to make a network.

    Attributes:
      num_classes: width of the last layer.
      channels: 1 or 3.
      dtype: dtype of the computation; parameters and statistics stay float32.
      stem: one of `STEMS`.
      dropout: rate of the dropout layers, in [0, 1); networks without dropout ignore it.
      zero_init_residual: start the last scale of each residual block at zero, so that every
        block starts as the identity; networks without residual blocks ignore it.
      batch_norm_groups: BatchNorm takes its statistics over so many equal parts of the batch, each
        by itself; 1 for the whole batch.
      remat: keep only what goes from block to block for the backward pass and compute the rest
        again; networks without residual blocks ignore it.
      head_layers: widths of extra dense layers between features and logits.
      batch_norm_frozen: BatchNorm uses its running statistics in training too, and keeps them.
    """

    num_classes: int
    channels: int
    dtype: Any
    stem: str
    dropout: float
    zero_init_residual: bool
    batch_norm_groups: int = 1
    remat: bool = False
    head_layers: tuple[int, ...] = ()
    batch_norm_frozen: bool = False


class Classifier(nnx.Module):
    """An image classifier: images in, named activations or logits out."""

    def activations(
        self, images: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> dict[str, jax.Array]:
        """Compute every named activation, in order; the last two are `features` and `logits`.

        Args:
          images: float32, (batch, height, width, channels), normalised.
          train: use batch statistics and dropout; by layer where the architecture has stages.
          rngs: randomness of the dropout layers; needed only where `train` and there are any.

        Returns:
          Name -> array: feature maps (batch, height, width, channel), then `features`
          (batch, feature) and `logits` (batch, classes). Unused ones cost nothing under jit.
        """
        raise NotImplementedError

    def classify(
        self, features: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Compute logits from `features`, (batch, feature); other arguments as `activations`.

        Networks whose architecture has stages do.
        """
        raise NotImplementedError

    def __call__(
        self, images: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Compute float32 logits, (batch, classes); arguments as `activations`."""
        return self.activations(images, train=train, rngs=rngs)["logits"]


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    Attributes:
      make: `(settings, draws) -> classifier`; called abstractly, so it must not read values.
      minimum_size: stem -> least height and width in pixels.
      source: paper and reference code.
      dropout: whether training draws random numbers.
      last_map: name of the activation before pooling, whose size decides what is lost.
      stages: names of the layers that belong together, in forward order; all others are the head.
    """

    make: Callable[[Settings, Draws], Classifier]
    minimum_size: Mapping[str, int]
    source: str
    dropout: bool
    last_map: str
    stages: tuple[tuple[str, ...], ...] = ()


MODELS: Registry[Architecture] = Registry("model", "lqjax.models")
