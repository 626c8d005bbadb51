"""A network small enough to train hundreds of steps in a test, written without lqjax's layers.

It has what makes data-parallel training hard: batch statistics, dropout, and state that is
updated on the way. It computes in the dtype of its parameters, so that float64 runs too.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

MOMENTUM = 0.9


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

    def init(self, seed):
        first, second = jax.random.split(jax.random.key(seed))
        inputs = self.image_size**2 * self.channels
        params = {
            "hidden": {"kernel": jax.random.normal(first, (inputs, self.width)) / inputs**0.5},
            "norm": {"scale": jnp.ones(self.width), "bias": jnp.zeros(self.width)},
            "head": {"kernel": jax.random.normal(second, (self.width, self.num_classes)) / 4},
        }
        stats = {"norm": {"mean": jnp.zeros(self.width), "var": jnp.ones(self.width)}}
        cast = lambda tree: jax.tree.map(lambda leaf: leaf.astype(self.dtype), tree)  # noqa: E731
        return cast(params), cast(stats)

    def shapes(self):
        return jax.eval_shape(lambda: self.init(0))

    def parameter_count(self):
        return sum(leaf.size for leaf in jax.tree.leaves(self.shapes()[0]))

    def apply(self, params, stats, images, *, train, key=None):
        hidden = images.reshape(len(images), -1) @ params["hidden"]["kernel"]
        norm, new = stats["norm"], stats
        if train:
            mean, var = hidden.mean(0), hidden.var(0)
            kept = jax.random.bernoulli(key, 1 - self.dropout, hidden.shape)
            new = {
                "norm": {
                    "mean": MOMENTUM * norm["mean"] + (1 - MOMENTUM) * mean,
                    "var": MOMENTUM * norm["var"] + (1 - MOMENTUM) * var,
                }
            }
            norm = {"mean": mean, "var": var}
        hidden = (hidden - norm["mean"][None]) / jnp.sqrt(norm["var"] + 1e-5)[None]
        hidden = jax.nn.relu(hidden * params["norm"]["scale"][None] + params["norm"]["bias"][None])
        if train:
            hidden = jnp.where(kept, hidden / (1 - self.dropout), 0)
        return hidden @ params["head"]["kernel"], new
