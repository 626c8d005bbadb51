"""AlexNet as published in 2012, and the one-tower layout of 2014."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier, Settings
from lqjax.models.convolution import Convolution
from lqjax.models.dense import Dense
from lqjax.models.local_response_norm import local_response_norm
from lqjax.models.pooling import adaptive_average_pool, max_pool

POOLED_SIDE = 6
"""Side of the map that the first dense layer reads, as for 224 px images."""

POOLING = {"size": 3, "stride": 2}
"""Overlapping maxima of the paper, section 3.4."""

HIDDEN = 4096
"""Width of the two hidden dense layers."""

STEM_KERNELS = {
    "imagenet": {"size": 11, "stride": 4, "padding": 2},
    "small": {"size": 5, "stride": 1, "padding": 2},
}
"""First convolution. The small stem keeps the resolution and has a 5x5 kernel."""

MINIMUM_SIZE = {"imagenet": 63, "small": 28}
"""Least image side in pixels; with the published stem, below 63 the third pooling has no window."""


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


class AlexNet(Classifier):
    """Five convolutions, three poolings, three dense layers.

    Kernels start He normal (fan in), offsets at zero, so that activations keep their scale
    through eight layers without normalisation; the paper's fixed 0.01 needs long warm-up at
    other sizes than 224 px. `features` are the 4,096 activations after `fc7`. The rows of the
    `fc6` kernel are in (row, column, channel) order; PyTorch's are in (channel, row, column).
    """

    def __init__(self, variant: Variant, settings: Settings, rngs: nnx.Rngs) -> None:
        he = jax.nn.initializers.he_normal()
        shared = {"initializer": he, "dtype": settings.dtype, "rngs": rngs}
        widths, groups = variant.widths, variant.groups
        self.conv1 = Convolution(
            settings.channels, widths[0], bias=True, **STEM_KERNELS[settings.stem], **shared
        )
        self.conv2 = Convolution(
            widths[0], widths[1], 5, padding=2, groups=groups[1], bias=True, **shared
        )
        for i in (2, 3, 4):
            layer = Convolution(
                widths[i - 1], widths[i], 3, padding=1, groups=groups[i], bias=True, **shared
            )
            setattr(self, f"conv{i + 1}", layer)
        self.fc6 = Dense(widths[4] * POOLED_SIDE**2, HIDDEN, **shared)
        self.fc7 = Dense(HIDDEN, HIDDEN, **shared)
        self.fc8 = Dense(HIDDEN, settings.num_classes, **shared)
        self.dropout = nnx.Dropout(settings.dropout)
        self.normalise, self.dropout_first = variant.normalise, variant.dropout_first

    def activations(
        self, images: jax.Array, *, train: bool, rngs: nnx.Rngs | None = None
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
        x = adaptive_average_pool(x, POOLED_SIDE)
        x = x.reshape(x.shape[0], -1)
        for layer in (self.fc6, self.fc7):
            if self.dropout_first:
                x = nnx.relu(layer(self._dropped(x, train, rngs)))
            else:
                x = self._dropped(nnx.relu(layer(x)), train, rngs)
        return {**maps, "features": x, "logits": self.fc8(x).astype(jnp.float32)}

    def _normalised(self, maps: jax.Array) -> jax.Array:
        return local_response_norm(maps) if self.normalise else maps

    def _dropped(self, features: jax.Array, train: bool, rngs: nnx.Rngs | None) -> jax.Array:
        return self.dropout(features, deterministic=not train, rngs=rngs)


def _two_groups(settings: Settings, rngs: nnx.Rngs) -> AlexNet:
    return AlexNet(TWO_GROUPS, settings, rngs)


def _one_tower(settings: Settings, rngs: nnx.Rngs) -> AlexNet:
    return AlexNet(ONE_TOWER, settings, rngs)


MODELS.add(
    "alexnet",
    Architecture(
        _two_groups,
        MINIMUM_SIZE,
        "Krizhevsky et al. 2012, ImageNet classification with deep convolutional networks",
        dropout=True,
        last_map="pool5",
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
    ),
)
