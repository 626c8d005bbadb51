"""Extra fully connected layers between the features and the logits."""

from __future__ import annotations

import jax
from flax import nnx

from lqjax.models.base import Settings
from lqjax.models.dense import Dense
from lqjax.models.draws import Draws, he_deviation
from lqjax.models.dropped import dropped


class HiddenLayers(nnx.Module):
    """Dense layers, each followed by ReLU and dropout.

    Kernels start He normal (fan in), as those of AlexNet's hidden dense layers.

    Args:
      inputs: length of the features.
      settings: its `head_layers` are the widths, in forward order.

    Attributes:
      outputs: length of what the last layer gives; of the features where there is none.
    """

    def __init__(self, inputs: int, settings: Settings, draws: Draws) -> None:
        for number, width in enumerate(settings.head_layers):
            layer = Dense(
                inputs, width, deviation=he_deviation(inputs), dtype=settings.dtype, draws=draws
            )
            setattr(self, str(number), layer)
            inputs = width
        self.depth, self.outputs = len(settings.head_layers), inputs
        self.dropout = nnx.Dropout(settings.dropout)

    def __call__(self, features: jax.Array, *, train: bool, rngs: nnx.Rngs | None) -> jax.Array:
        """Map (batch, inputs) to (batch, outputs)."""
        x = features
        for number in range(self.depth):
            x = nnx.relu(getattr(self, str(number))(x))
            x = dropped(self.dropout, x, train, rngs)
        return x
