"""Random keys that depend on the seed, the operation and the example, and on nothing else."""

from __future__ import annotations

import hashlib

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Keys

GENERATOR = "threefry2x32"
"""Named, since a user may have changed JAX's default, and noise must not change with it."""


def example_numbers(ids: np.ndarray) -> np.ndarray:
    """Hash example ids to uint32, the form in which they travel to the device.

    Args:
      ids: strings, (examples,).

    Returns:
      uint32, (examples,); equal ids give equal numbers on every machine.
    """
    # An id may be the name of a file that is not UTF-8.
    texts = (str(name).encode("utf-8", "surrogateescape") for name in ids)
    digests = [hashlib.blake2s(text, digest_size=4).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u4").astype(np.uint32)


def example_keys(seed: int | jax.Array, stream: int | jax.Array, numbers: jax.Array) -> Keys:
    """Make one key per example from (seed, stream of the operation, example number).

    Args:
      seed: any whole number; may be traced.
      stream: `Operation.stream`, plus the occurrence when a chain repeats an operation.
      numbers: uint32, (batch,), from `example_numbers`.

    Returns:
      Keys, (batch,): independent of batch size, order, padding and device count.
    """
    base = jax.random.fold_in(jax.random.key(seed, impl=GENERATOR), jnp.asarray(stream, jnp.uint32))
    return jax.vmap(lambda number: jax.random.fold_in(base, number))(numbers)
