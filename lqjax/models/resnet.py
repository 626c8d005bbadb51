"""Residual networks of 18 to 152 layers, v1.5: the 3x3 convolution of a bottleneck strides."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier, Settings, Train, in_training
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.convolution import Convolution
from lqjax.models.dense import Dense
from lqjax.models.draws import Draws, he_deviation
from lqjax.models.head import HiddenLayers
from lqjax.models.pooling import global_average_pool, max_pool
from lqjax.models.precision import at_least_float32

STAGE_WIDTHS = (64, 128, 256, 512)
"""Channels inside the blocks of the four stages."""

EXPANSION = 4
"""A bottleneck block puts out this many times its inner channels."""

STEM_KERNELS = {"imagenet": (7, 2), "small": (3, 1)}
"""Size and stride of the first convolution; no pooling follows the small one."""

STEM_POOLING = {"size": 3, "stride": 2, "padding": 1}

MINIMUM_SIZE = {"imagenet": 63, "small": 28}
"""Least image side in pixels, the same as AlexNet's so that both can be compared."""

STAGES = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
"""The stem, and the four stages of the paper."""

SOURCE = "He et al. 2016, https://arxiv.org/abs/1512.03385; torchvision.models.resnet"


def _convolution(
    inputs: int, outputs: int, size: int, *, stride: int = 1, dtype: Any, draws: Draws
) -> Convolution:
    """Make a convolution that keeps the size (up to its stride), He normal by fan out."""
    return Convolution(
        inputs,
        outputs,
        size,
        stride=stride,
        padding=size // 2,
        bias=False,
        deviation=he_deviation(size**2 * outputs),
        dtype=dtype,
        draws=draws,
    )


class Shortcut(nnx.Module):
    """Project the input of a block to the shape of its output."""

    def __init__(
        self, inputs: int, outputs: int, *, stride: int, groups: int, dtype: Any, draws: Draws
    ) -> None:
        self.conv = _convolution(inputs, outputs, 1, stride=stride, dtype=dtype, draws=draws)
        self.bn = BatchNorm(outputs, groups=groups, dtype=dtype)

    def __call__(self, maps: jax.Array, *, train: bool | jax.Array) -> jax.Array:
        """Map (batch, height, width, inputs) to (batch, height', width', outputs)."""
        return self.bn(self.conv(maps), train=train)


class BasicBlock(nnx.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, *, stride: int, last_scale: float, groups: int,
        dtype: Any, draws: Draws,
    ) -> None:  # fmt: skip
        shared: dict[str, Any] = {"dtype": dtype, "draws": draws}
        self.conv1 = _convolution(inputs, width, 3, stride=stride, **shared)
        self.bn1 = BatchNorm(width, groups=groups, dtype=dtype)
        self.conv2 = _convolution(width, width, 3, **shared)
        self.bn2 = BatchNorm(width, scale=last_scale, groups=groups, dtype=dtype)
        projects = stride > 1 or inputs != width
        self.downsample = (
            Shortcut(inputs, width, stride=stride, groups=groups, **shared) if projects else None
        )

    def __call__(self, maps: jax.Array, *, train: bool | jax.Array) -> jax.Array:
        """Map (batch, height, width, inputs) to (batch, height', width', width)."""
        x = nnx.relu(self.bn1(self.conv1(maps), train=train))
        x = self.bn2(self.conv2(x), train=train)
        shortcut = maps if self.downsample is None else self.downsample(maps, train=train)
        return nnx.relu(x + shortcut)


class BottleneckBlock(nnx.Module):
    """A 1x1 convolution down, a 3x3 one that may stride, a 1x1 one up, and a shortcut."""

    expansion = EXPANSION

    def __init__(
        self, inputs: int, width: int, *, stride: int, last_scale: float, groups: int,
        dtype: Any, draws: Draws,
    ) -> None:  # fmt: skip
        shared: dict[str, Any] = {"dtype": dtype, "draws": draws}
        outputs = width * EXPANSION
        self.conv1 = _convolution(inputs, width, 1, **shared)
        self.bn1 = BatchNorm(width, groups=groups, dtype=dtype)
        self.conv2 = _convolution(width, width, 3, stride=stride, **shared)
        self.bn2 = BatchNorm(width, groups=groups, dtype=dtype)
        self.conv3 = _convolution(width, outputs, 1, **shared)
        self.bn3 = BatchNorm(outputs, scale=last_scale, groups=groups, dtype=dtype)
        projects = stride > 1 or inputs != outputs
        self.downsample = (
            Shortcut(inputs, outputs, stride=stride, groups=groups, **shared) if projects else None
        )

    def __call__(self, maps: jax.Array, *, train: bool | jax.Array) -> jax.Array:
        """Map (batch, height, width, inputs) to (batch, height', width', 4 * width)."""
        x = nnx.relu(self.bn1(self.conv1(maps), train=train))
        x = nnx.relu(self.bn2(self.conv2(x), train=train))
        x = self.bn3(self.conv3(x), train=train)
        shortcut = maps if self.downsample is None else self.downsample(maps, train=train)
        return nnx.relu(x + shortcut)


class ResNet(Classifier):
    """A stem, four stages of residual blocks, global averaging, one dense layer.

    Convolutions start He normal (fan out), scales at one (the last of each block at zero if
    asked), the dense layer normal with the variance of torchvision's uniform one.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[BottleneckBlock],
        depths: tuple[int, int, int, int],
        settings: Settings,
        draws: Draws,
    ) -> None:
        shared: dict[str, Any] = {"dtype": settings.dtype, "draws": draws}
        size, stride = STEM_KERNELS[settings.stem]
        self.conv1 = _convolution(settings.channels, STAGE_WIDTHS[0], size, stride=stride, **shared)
        self.bn1 = BatchNorm(
            STAGE_WIDTHS[0], groups=settings.batch_norm_groups, dtype=settings.dtype
        )
        inputs = STAGE_WIDTHS[0]
        last_scale = 0.0 if settings.zero_init_residual else 1.0
        for number, (width, depth) in enumerate(zip(STAGE_WIDTHS, depths, strict=True), start=1):
            blocks = {}
            for i in range(depth):
                stride = 2 if number > 1 and i == 0 else 1
                blocks[str(i)] = block(
                    inputs,
                    width,
                    stride=stride,
                    last_scale=last_scale,
                    groups=settings.batch_norm_groups,
                    **shared,
                )
                inputs = width * block.expansion
            setattr(self, f"layer{number}", nnx.Dict(blocks))
        self.head = HiddenLayers(inputs, settings, draws) if settings.head_layers else None
        inputs = inputs if self.head is None else self.head.outputs
        self.fc = Dense(inputs, settings.num_classes, deviation=(3 * inputs) ** -0.5, **shared)
        self.depths, self.pools = depths, settings.stem == "imagenet"
        self.remat = settings.remat

    def activations(
        self, images: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> dict[str, jax.Array]:
        """Compute conv1 (rectified), layer1 to layer4, features and logits."""
        maps = {}
        x = self.bn1(self.conv1(images), train=in_training(train, "bn1"))
        x = maps["conv1"] = nnx.relu(x)
        if self.pools:
            x = max_pool(x, **STEM_POOLING)
        for number, depth in enumerate(self.depths, start=1):
            name = f"layer{number}"
            stage, own = getattr(self, name), in_training(train, name)
            for i in range(depth):
                x = self._block(stage[str(i)], x, own)
            maps[name] = x
        features = global_average_pool(x)
        logits = self.classify(features, train=train, rngs=rngs)
        return {**maps, "features": features, "logits": logits}

    def classify(
        self, features: jax.Array, *, train: Train, rngs: nnx.Rngs | None = None
    ) -> jax.Array:
        """Compute logits from the averages of the last maps."""
        if self.head is not None:
            features = self.head(features, train=train is not False, rngs=rngs)
        return at_least_float32(self.fc(features))

    def _block(
        self, block: BasicBlock | BottleneckBlock, maps: jax.Array, train: bool | jax.Array
    ) -> jax.Array:
        if train is False or not self.remat:
            return block(maps, train=train)
        return nnx.remat(lambda block, maps: block(maps, train=train))(block, maps)


LAYOUTS: dict[str, tuple[type[BasicBlock] | type[BottleneckBlock], tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (BottleneckBlock, (3, 4, 6, 3)),
    "resnet101": (BottleneckBlock, (3, 4, 23, 3)),
    "resnet152": (BottleneckBlock, (3, 8, 36, 3)),
}
"""Name -> block and blocks per stage: table 1 of the paper."""

for _name, _layout in LAYOUTS.items():
    _make = partial(ResNet, *_layout)
    MODELS.add(
        _name,
        Architecture(_make, MINIMUM_SIZE, SOURCE, dropout=False, last_map="layer4", stages=STAGES),
    )
