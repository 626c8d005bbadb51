"""A network small enough to train hundreds of steps in a test, written without lqjax's layers.

It has what makes data-parallel training hard: batch statistics, dropout, and state that is
updated on the way; the first two can be turned off. It computes in the dtype of its parameters, so
that float64 runs too.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

MOMENTUM = 0.9
EPSILON = 1e-5


@dataclass(frozen=True)
class TinyNetwork:
    name: str = "tiny"
    num_classes: int = 4
    channels: int = 1
    image_size: int = 8
    stem: str = "imagenet"
    dropout: float = 0.1
    dtype: str = "float32"
    width: int = 16
    norm: bool = True

    def init(self, seed):
        first, second = jax.random.split(jax.random.key(seed))
        inputs = self.image_size**2 * self.channels
        params = {
            "hidden": {"kernel": jax.random.normal(first, (inputs, self.width)) / inputs**0.5},
            "norm": {"scale": jnp.ones(self.width), "bias": jnp.zeros(self.width)},
            "head": {"kernel": jax.random.normal(second, (self.width, self.num_classes)) / 4},
        }
        stats = {"norm": {"mean": jnp.zeros(self.width), "var": jnp.ones(self.width)}}
        if not self.norm:
            del params["norm"], stats["norm"]
        cast = lambda tree: jax.tree.map(lambda leaf: leaf.astype(self.dtype), tree)  # noqa: E731
        return cast(params), cast(stats)

    def shapes(self):
        return jax.eval_shape(lambda: self.init(0))

    def parameter_count(self):
        return sum(leaf.size for leaf in jax.tree.leaves(self.shapes()[0]))

    def apply(self, params, stats, images, *, train, key=None):
        hidden = images.reshape(len(images), -1) @ params["hidden"]["kernel"]
        if self.norm:
            hidden, stats = self._normalised(hidden, params["norm"], stats["norm"], train)
        hidden = jax.nn.relu(hidden)
        if train and self.dropout:
            kept = jax.random.bernoulli(key, 1 - self.dropout, hidden.shape)
            hidden = jnp.where(kept, hidden / (1 - self.dropout), 0)
        return hidden @ params["head"]["kernel"], stats

    def multiply_adds(self):
        return self.width * (self.image_size**2 * self.channels + self.num_classes)

    def _normalised(self, hidden, params, stats, train):
        new = stats
        if train:
            batch = {"mean": hidden.mean(0), "var": hidden.var(0)}
            new = jax.tree.map(lambda a, b: MOMENTUM * a + (1 - MOMENTUM) * b, stats, batch)
            stats = batch
        hidden = (hidden - stats["mean"][None]) / jnp.sqrt(stats["var"] + EPSILON)[None]
        return hidden * params["scale"][None] + params["bias"][None], {"norm": new}
