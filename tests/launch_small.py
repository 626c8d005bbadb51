"""`launch.py` with one more network, small enough to be compiled within seconds.

It has what makes training in several processes hard: batch statistics and dropout.
"""

import jax.numpy as jnp
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.dense import Dense

WIDTH = 16
STRIDE, SEEN = 4, 49
"""Of 28 x 28 pixels every fourth is looked at."""


class Small(Classifier):
    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        self.first = Dense(settings.channels * SEEN, WIDTH, deviation=0.1, **shared)
        self.norm = BatchNorm(WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.dropout = nnx.Dropout(settings.dropout)
        self.last = Dense(WIDTH, settings.num_classes, deviation=0.1, **shared)

    def activations(self, images, *, train, rngs=None):
        pixels = images[:, ::STRIDE, ::STRIDE].reshape(len(images), -1)
        hidden = self.first(pixels)[:, None, None, :]
        maps = nnx.relu(self.norm(hidden, train=train))
        features = self.dropout(maps[:, 0, 0], deterministic=not train, rngs=rngs)
        logits = self.last(features).astype(jnp.float32)
        return {"maps": maps, "features": features, "logits": logits}


MODELS.add("small", Architecture(Small, {"imagenet": 28, "small": 28}, "none", True, "maps"))

if __name__ == "__main__":
    from lqjax.cli import start

    start()
