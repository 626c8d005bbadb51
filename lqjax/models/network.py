"""Networks by name: pure functions of plain nested dicts, with nothing of NNX showing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import jax
import jax.numpy as jnp
from flax import nnx

from lqjax.models.base import MODELS, STEMS, Architecture, Classifier, Settings, Train
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.draws import Draws
from lqjax.models.multiply_adds import count_by_layer
from lqjax.registry import unknown_name
from lqjax.rows import Layer
from lqjax.typing import Images, Logits, Tree

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}
CHANNELS = (1, 3)

SMALLEST_IMAGENET_STEM = 64
"""Image side in pixels from which the published first layers are chosen if none are asked for."""


@dataclass(frozen=True)
class Network:
    """A classifier as pure functions of `params` and `stats`.

    Both are plain nested dicts of float32 arrays with string keys ("layer1", "0", "bn1",
    "scale"). Weights are called `kernel` (HWIO or inputs x outputs), norm factors `scale`,
    offsets `bias`; `stats` holds `mean` and `var` of the batch norms and is `{}` without any.

    Attributes:
      name: name in the registry.
      num_classes, channels, image_size: what it was built for; other sizes from `minimum_size`
        up run too.
      stem: "imagenet" or "small".
      minimum_size: least height and width in pixels.
      notes: what a report should say about this network at this size.
    """

    name: str
    num_classes: int
    channels: int
    image_size: int
    stem: str
    minimum_size: int
    _architecture: Architecture = field(repr=False)
    _settings: Settings = field(repr=False)

    def init(self, seed: int) -> tuple[Tree, Tree]:
        """Draw fresh parameters.

        Args:
          seed: any whole number; equal seeds give equal parameters.

        Returns:
          `(params, stats)`, float32, made by one compiled program.
        """

        count = self._abstract[3]

        def start(seed: jax.Array) -> tuple[Tree, Tree]:
            numbers = jax.random.normal(jax.random.key(seed), (count,), jnp.float32)
            module = self._architecture.make(self._settings, Draws(numbers))
            params, stats = nnx.state(module, nnx.Param), nnx.state(module, nnx.BatchStat)
            return nnx.to_pure_dict(params), nnx.to_pure_dict(stats)

        return jax.jit(start)(seed)

    def apply(
        self,
        params: Tree,
        stats: Tree,
        images: Images,
        *,
        train: Train,
        key: jax.Array | None = None,
    ) -> tuple[Logits, Tree]:
        """Compute logits.

        Args:
          params, stats: from `init` or a checkpoint.
          images: float32, (batch, height, width, channels), normalised.
          train: use batch statistics and dropout; by layer for what `stages` names.
          key: randomness of the dropout layers, needed where `train` and there are any.

        Returns:
          Float32 logits (batch, classes), and the statistics: updated if `train`.

        Raises:
          ValueError: wrong number of channels, too small an image, or no key where needed.
        """
        activations, stats = self._run(params, stats, images, train=train, key=key)
        return activations["logits"], stats

    @property
    def has_batch_norm(self) -> bool:
        """Whether there are layers whose statistics can be those of a batch."""
        return bool(self.shapes()[1])

    def adapted(self, params: Tree, stats: Tree, images: Images, *, prior: int = 0) -> Logits:
        """Compute logits as `apply` does without training, but by the statistics of the images.

        Every BatchNorm layer normalises with `prior / (prior + batch)` parts of its running mean
        and variance and `batch / (prior + batch)` parts of the mean and biased variance of all
        images shown, over all devices that share them. No dropout; nothing is kept.

        Args:
          images: as for `apply`; all of them count, so none may be there to fill up.
          prior: number of images that the running statistics count for; 0 for the batch alone.

        Source: Schneider et al. 2020, https://arxiv.org/abs/2006.16971; without
        `prior` Nado et al. 2020, https://arxiv.org/abs/2006.10963.
        """
        self._check(images)
        module, _ = self._module(params, stats, False, None)
        for _, part in nnx.iter_modules(module):
            if isinstance(part, BatchNorm):
                part.prior = prior
        return module.activations(images, train=False)["logits"]

    def features(self, params: Tree, stats: Tree, images: Images) -> jax.Array:
        """Compute what the last layer reads, (batch, feature); no dropout, running statistics."""
        return self._run(params, stats, images, train=False)[0]["features"]

    def classify(
        self,
        params: Tree,
        stats: Tree,
        features: jax.Array,
        *,
        train: Train,
        key: jax.Array | None = None,
    ) -> tuple[Logits, Tree]:
        """Compute what `apply` does, from `features` of the images and with frozen stages."""
        module, rngs = self._module(params, stats, train, key)
        return module.classify(features, train=train, rngs=rngs), stats

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Names of the layers of each stage, in forward order; all others are the head."""
        return self._architecture.stages

    def feature_maps(
        self, params: Tree, stats: Tree, images: Images, names: tuple[str, ...] = ()
    ) -> dict[str, jax.Array]:
        """Compute named activations; no dropout, running statistics.

        Args:
          names: which ("conv1", "layer4", "features", ...); all if empty.

        Raises:
          ValueError: a name that this network does not have; the message lists them.
        """
        activations, _ = self._run(params, stats, images, train=False)
        for name in names:
            if name not in activations:
                raise unknown_name(f"activation of {self.name}", name, tuple(activations))
        return {name: activations[name] for name in names or activations}

    def shapes(self) -> tuple[Tree, Tree]:
        """Give `(params, stats)` as `jax.ShapeDtypeStruct`, without allocating anything."""
        return self._abstract[1], self._abstract[2]

    def parameter_count(self) -> int:
        """Count the learned numbers."""
        return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(self.shapes()[0]))

    def layers(self) -> tuple[Layer, ...]:
        """List the convolutions and dense layers with their multiply-adds, in forward order.

        Those of one forward pass of one image of `image_size`.
        """
        return count_by_layer(self.name, self._logits, *self.shapes(), self._example())

    def multiply_adds(self) -> int:
        """Count the multiply-adds of one forward pass of one image of `image_size`.

        Convolutions and dense layers only, as papers count them; padding counts as data.
        """
        return sum(layer.multiply_adds for layer in self.layers())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report should say about this network at this size."""
        _, side, _, _ = jax.eval_shape(
            lambda *arguments: self._run(*arguments, train=False)[0][self._architecture.last_map],
            *self.shapes(),
            self._example(),
        ).shape
        if side > 1:
            return ()
        return (
            f"at {self.image_size} px the last feature map of {self.name} is 1x1: "
            "it no longer knows where in the image anything is",
        )

    def _example(self) -> jax.ShapeDtypeStruct:
        shape = (1, self.image_size, self.image_size, self.channels)
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    def _logits(self, params: Tree, stats: Tree, images: Images) -> Logits:
        return self.apply(params, stats, images, train=False)[0]

    @cached_property
    def _abstract(self) -> tuple[nnx.GraphDef, Tree, Tree, int]:
        draws = Draws()
        module = nnx.eval_shape(lambda: self._architecture.make(self._settings, draws))
        for _, part in nnx.iter_modules(module):
            if isinstance(part, BatchNorm):
                part.frozen = self._settings.batch_norm_frozen
        params, stats = nnx.state(module, nnx.Param), nnx.state(module, nnx.BatchStat)
        graph = nnx.graphdef(module)
        return graph, nnx.to_pure_dict(params), nnx.to_pure_dict(stats), draws.taken

    def _run(
        self,
        params: Tree,
        stats: Tree,
        images: Images,
        *,
        train: Train,
        key: jax.Array | None = None,
    ) -> tuple[dict[str, jax.Array], Tree]:
        self._check(images)
        module, rngs = self._module(params, stats, train, key)
        activations = module.activations(images, train=train, rngs=rngs)
        return activations, nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def _module(
        self, params: Tree, stats: Tree, train: Train, key: jax.Array | None
    ) -> tuple[Classifier, nnx.Rngs | None]:
        has_dropout = self._architecture.dropout or self._settings.head_layers
        draws = train is not False and has_dropout and self._settings.dropout > 0
        if draws and key is None:
            raise ValueError(f"{self.name} has dropout: pass key=jax.random.key(...) to train it")
        module = nnx.merge(self._abstract[0], params, stats)
        return module, nnx.Rngs(dropout=key) if draws and key is not None else None

    def _check(self, images: Images) -> None:
        if images.ndim != 4 or images.shape[3] != self.channels:
            raise ValueError(
                f"{self.name} was built for images of shape (batch, height, width, "
                f"{self.channels}), not {images.shape}; build it with the right channels="
            )
        check_size(self.name, min(images.shape[1:3]), self._architecture, self.stem)


def build(
    name: str,
    *,
    num_classes: int,
    channels: int = 3,
    image_size: int,
    dtype: str = "float32",
    stem: str = "imagenet",
    dropout: float = 0.5,
    zero_init_residual: bool = True,
    batch_norm_groups: int = 1,
    remat: bool = False,
    head_layers: tuple[int, ...] = (),
    batch_norm_frozen: bool = False,
) -> Network:
    """Look a network up and fix its shape; nothing is allocated before `Network.init`.

    Args:
      name: a name in `MODELS`, such as "alexnet" or "resnet50".
      num_classes: number of classes, at least 1.
      channels: 1 or 3.
      image_size: side of the square images in pixels.
      dtype: of the computation, "float32" or "bfloat16"; parameters, statistics and logits are
        float32.
      stem: "imagenet" as published, from 63 px; "small", from 28 px, downsamples less in
        the first layers (AlexNet: 5x5 kernel without stride instead of 11x11 with 4; residual
        networks: 3x3 without stride and no pooling instead of 7x7 with 2).
      dropout: rate in [0, 1) of the dropout layers of AlexNet.
      zero_init_residual: start every residual block as the identity.
      batch_norm_groups: equal parts of a batch that BatchNorm normalises each by itself.
      remat: compute the inside of residual blocks again in the backward pass.
      head_layers: widths of extra dense layers between features and logits, each with ReLU and
        dropout.
      batch_norm_frozen: BatchNorm uses and keeps its running statistics in training too.

    Raises:
      ValueError: an unknown name or value, or too small an image; the message says the fix.
    """
    architecture = MODELS[name]
    if stem not in STEMS:
        raise unknown_name("stem", stem, STEMS)
    if dtype not in DTYPES:
        raise unknown_name("dtype", dtype, tuple(DTYPES))
    if channels not in CHANNELS:
        raise ValueError(f"channels={channels}: images have 1 or 3 channels; convert them first")
    if num_classes < 1:
        raise ValueError(f"num_classes={num_classes}: there must be at least one class")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout={dropout}: the rate must lie in [0, 1); 0 turns it off")
    check_size(name, image_size, architecture, stem)
    if batch_norm_groups < 1:
        raise ValueError(f"batch_norm_groups={batch_norm_groups}: there must be at least one")
    settings = Settings(
        num_classes=num_classes,
        channels=channels,
        dtype=DTYPES[dtype],
        stem=stem,
        dropout=dropout,
        zero_init_residual=zero_init_residual,
        batch_norm_groups=batch_norm_groups,
        remat=remat,
        head_layers=head_layers,
        batch_norm_frozen=batch_norm_frozen,
    )
    minimum = architecture.minimum_size[stem]
    return Network(name, num_classes, channels, image_size, stem, minimum, architecture, settings)


def choose_stem(image_size: int) -> str:
    """Choose the first layers by the side of the images in pixels, as the setting "auto" does.

    Returns:
      "imagenet" from `SMALLEST_IMAGENET_STEM` on, "small" below.
    """
    return "imagenet" if image_size >= SMALLEST_IMAGENET_STEM else "small"


def check_size(name: str, size: int, architecture: Architecture, stem: str) -> None:
    """Refuse an image that is too small for a stem.

    Raises:
      ValueError: naming the model, the size, the minimum and the fix.
    """
    minimum = architecture.minimum_size[stem]
    if size >= minimum:
        return
    fix = f"resize the images to at least {minimum} px"
    if size >= architecture.minimum_size["small"]:
        fix += ', or build it with stem="small"'
    raise ValueError(
        f"{name} with the {stem} stem needs images of at least {minimum} px, not {size} px: {fix}"
    )
