"""Which operation of RandAugment each image of a batch has drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Drawn:
    """What is done to the images of a batch: one operation each, at one strength.

    Attributes:
      operations: names of all that could be drawn.
      numbers: int32, (batch,): indices into `operations`.
      negative: bool, (batch,): the other direction, where there are two.
      strength: 0 to 1.
    """

    operations: Sequence[str]
    numbers: jax.Array
    negative: jax.Array
    strength: float

    def is_drawn(self, name: str) -> jax.Array:
        """Tell which images have drawn an operation, bool, (batch,)."""
        return self.numbers == self.operations.index(name)

    def any_of(self, names: Sequence[str]) -> jax.Array:
        """Tell whether an image of the batch has drawn one of the operations, bool scalar."""
        numbers = np.array([self.operations.index(name) for name in names], np.int32)
        return jnp.any(self.numbers[:, None] == numbers[None])
