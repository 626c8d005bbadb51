"""AlexNet as published in 2012, and the one-tower layout of 2014."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier, Settings, Train, in_training
from lqjax.models.convolution import Convolution
from lqjax.models.dense import Dense
from lqjax.models.draws import Draws, he_deviation
from lqjax.models.dropped import dropped
from lqjax.models.head import HiddenLayers
from lqjax.models.local_response_norm import local_response_norm
from lqjax.models.pooling import adaptive_average_pool, max_pool
from lqjax.models.precision import at_least_float32

POOLED_SIDE = 6
"""Side of the map that the first dense layer reads, as for 224 px images."""

POOLING = {"size": 3, "stride": 2}
"""Overlapping maxima of the paper, section 3.4."""

HIDDEN = 4096
"""Width of the two hidden dense layers."""

STEM_KERNELS = {"imagenet": (11, 4, 2), "small": (5, 1, 2)}
"""Size, stride and padding of the first convolution; the small one keeps the resolution."""

MINIMUM_SIZE = {"imagenet": 63, "small": 28}
"""Least image side in pixels; with the published stem, below 63 the third pooling has no window."""


STAGES = tuple((name,) for name in ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"))
"""Each learned layer by itself."""


@dataclass(frozen=True)
class Variant:
    """What distinguishes the two AlexNets.

    Attributes:
      widths: outputs of the five convolutions.
      groups: channel groups of the five convolutions.
      normalise: local response normalisation after the first two convolutions.
      dropout_first: dropout before each hidden dense layer (2014) or after it (2012).
    """

    widths: tuple[int, int, int, int, int]
    groups: tuple[int, int, int, int, int]
    normalise: bool
    dropout_first: bool


TWO_GROUPS = Variant((96, 256, 384, 384, 256), (1, 2, 1, 2, 2), True, False)
ONE_TOWER = Variant((64, 192, 384, 256, 256), (1, 1, 1, 1, 1), False, True)


def _convolution(
    inputs: int,
    outputs: int,
    window: tuple[int, int, int],
    groups: int,
    dtype: Any,
    draws: Draws,
) -> Convolution:
    size, stride, padding = window
    return Convolution(
        inputs,
        outputs,
        size,
        stride=stride,
        padding=padding,
        groups=groups,
        bias=True,
        deviation=he_deviation(size**2 * inputs // groups),
        dtype=dtype,
        draws=draws,
    )


def _dense(inputs: int, outputs: int, dtype: Any, draws: Draws) -> Dense:
    return Dense(inputs, outputs, deviation=he_deviation(inputs), dtype=dtype, draws=draws)


class AlexNet(Classifier):
    """Five convolutions, three poolings, three dense layers.

    Kernels start He normal (fan in), offsets at zero, so that activations keep their scale
    through eight layers without normalisation; the paper's fixed 0.01 needs long warm-up at
    other sizes than 224 px. `features` are the 4,096 activations after `fc7`. The rows of the
    `fc6` kernel are in (row, column, channel) order; PyTorch's are in (channel, row, column).
    """

    def __init__(self, variant: Variant, settings: Settings, draws: Draws) -> None:
        kernels = (STEM_KERNELS[settings.stem], (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
        inputs = settings.channels
        layers = []
        for window, outputs, groups in zip(kernels, variant.widths, variant.groups, strict=True):
            layers.append(_convolution(inputs, outputs, window, groups, settings.dtype, draws))
            inputs = outputs
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = layers
        self.fc6 = _dense(inputs * POOLED_SIDE**2, HIDDEN, settings.dtype, draws)
        self.fc7 = _dense(HIDDEN, HIDDEN, settings.dtype, draws)
        self.head = HiddenLayers(HIDDEN, settings, draws) if settings.head_layers else None
        inputs = HIDDEN if self.head is None else self.head.outputs
        self.fc8 = _dense(inputs, settings.num_classes, settings.dtype, draws)
        self.dropout = nnx.Dropout(settings.dropout)
        self.normalise, self.dropout_first = variant.normalise, variant.dropout_first

    def activations(
        self, images: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> dict[str, jax.Array]:
        """Compute conv1 to conv5 (rectified), pool5, features and logits."""
        maps = {}
        x = maps["conv1"] = nnx.relu(self.conv1(images))
        x = max_pool(self._normalised(x), **POOLING)
        x = maps["conv2"] = nnx.relu(self.conv2(x))
        x = max_pool(self._normalised(x), **POOLING)
        x = maps["conv3"] = nnx.relu(self.conv3(x))
        x = maps["conv4"] = nnx.relu(self.conv4(x))
        x = maps["conv5"] = nnx.relu(self.conv5(x))
        x = maps["pool5"] = max_pool(x, **POOLING)
        x = self._first_hidden(x, in_training(train, "fc6"), rngs)
        x = self._hidden(self.fc7, x, in_training(train, "fc7"), rngs)
        return {**maps, "features": x, "logits": self.classify(x, train=train, rngs=rngs)}

    def classify(
        self, features: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Compute logits from the 4,096 activations after `fc7`."""
        if self.head is not None:
            features = self.head(features, train=train is not False, rngs=rngs)
        return at_least_float32(self.fc8(features))

    def _first_hidden(
        self, maps: jax.Array, train: bool | jax.Array, rngs: nnx.Rngs | None
    ) -> jax.Array:
        """Apply `fc6` to the last maps, which are pooled to a fixed size."""
        if self.dropout_first and train is not False and self.dropout.rate:
            pooled = adaptive_average_pool(maps, POOLED_SIDE)
            return self._hidden(self.fc6, pooled.reshape(len(pooled), -1), train, rngs)
        x = nnx.relu(self.fc6.of_pooled(maps, POOLED_SIDE))
        return x if self.dropout_first else dropped(self.dropout, x, train, rngs)

    def _hidden(
        self, layer: Dense, x: jax.Array, train: bool | jax.Array, rngs: nnx.Rngs | None
    ) -> jax.Array:
        if self.dropout_first:
            return nnx.relu(layer(dropped(self.dropout, x, train, rngs)))
        return dropped(self.dropout, nnx.relu(layer(x)), train, rngs)

    def _normalised(self, maps: jax.Array) -> jax.Array:
        return local_response_norm(maps) if self.normalise else maps


def _two_groups(settings: Settings, draws: Draws) -> AlexNet:
    return AlexNet(TWO_GROUPS, settings, draws)


def _one_tower(settings: Settings, draws: Draws) -> AlexNet:
    return AlexNet(ONE_TOWER, settings, draws)


MODELS.add(
    "alexnet",
    Architecture(
        _two_groups,
        MINIMUM_SIZE,
        "Krizhevsky et al. 2012, ImageNet classification with deep convolutional networks",
        dropout=True,
        last_map="pool5",
        stages=STAGES,
    ),
)
MODELS.add(
    "alexnet_one_tower",
    Architecture(
        _one_tower,
        MINIMUM_SIZE,
        "Krizhevsky 2014, https://arxiv.org/abs/1404.5997; torchvision.models.alexnet",
        dropout=True,
        last_map="pool5",
        stages=STAGES,
    ),
)
