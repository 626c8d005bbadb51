"""A network of three stages and a head, small enough to compile within a second.

It sees the middle of an image.

stage 0: `first`, `norm`     dense, BatchNorm, ReLU
stage 1: `second`, `norm2`   dense, BatchNorm, ReLU
stage 2: `third`             dense, ReLU, dropout
head:    `head` (extra layers, if any) and `last`
"""

import contextlib

import jax.numpy as jnp
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier, Settings, in_training
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.dense import Dense
from lqjax.models.dropped import dropped
from lqjax.models.head import HiddenLayers
from lqjax.models.network import Network

SIZE, WIDTH, CLASSES = 8, 12, 4
STAGES = (("first", "norm"), ("second", "norm2"), ("third",))
HEAD = ("last",)


class Staged(Classifier):
    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        inputs = SIZE**2 * settings.channels
        self.first = Dense(inputs, WIDTH, deviation=inputs**-0.5, **shared)
        self.norm = BatchNorm(WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.second = Dense(WIDTH, WIDTH, deviation=WIDTH**-0.5, **shared)
        self.norm2 = BatchNorm(WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.third = Dense(WIDTH, WIDTH, deviation=WIDTH**-0.5, **shared)
        self.head = HiddenLayers(WIDTH, settings, draws) if settings.head_layers else None
        inputs = WIDTH if self.head is None else self.head.outputs
        self.last = Dense(inputs, settings.num_classes, deviation=WIDTH**-0.5, **shared)
        self.dropout = nnx.Dropout(settings.dropout)

    def activations(self, images, *, train, rngs=None):
        edge = (images.shape[1] - SIZE) // 2
        seen = images[:, edge : edge + SIZE, edge : edge + SIZE]
        x = self.first(seen.reshape(len(images), -1))[:, None, None, :]
        maps = x = nnx.relu(self.norm(x, train=in_training(train, "norm")))
        x = self.second(x[:, 0, 0])[:, None, None, :]
        x = nnx.relu(self.norm2(x, train=in_training(train, "norm2")))[:, 0, 0]
        x = dropped(self.dropout, nnx.relu(self.third(x)), in_training(train, "third"), rngs)
        return {"maps": maps, "features": x, "logits": self.classify(x, train=train, rngs=rngs)}

    def classify(self, features, *, train, rngs=None):
        if self.head is not None:
            features = self.head(features, train=train is not False, rngs=rngs)
        return self.last(features).astype(jnp.float32)


ARCHITECTURE = Architecture(Staged, {"imagenet": SIZE, "small": SIZE}, "none", True, "maps", STAGES)


def staged(**settings):
    wanted = {"dropout": 0.0, "stem": "small", "zero_init_residual": True, **settings}
    made = Settings(num_classes=CLASSES, channels=1, dtype=jnp.float32, **wanted)
    return Network("staged", CLASSES, 1, SIZE, "small", SIZE, ARCHITECTURE, made)


@contextlib.contextmanager
def registered():
    """Have it registered for a while, as "staged"."""
    MODELS.add("staged", ARCHITECTURE)
    try:
        yield
    finally:
        del MODELS._entries["staged"]
