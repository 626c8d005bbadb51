"""The forward pass over a whole split: exact for any batch size and device count."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from lqjax.compiling import jit
from lqjax.data.batch import Placed, to_devices
from lqjax.data.order import check_batch_size, padded_batches
from lqjax.evaluation.beside import Beside
from lqjax.imaging.levels import from_levels
from lqjax.models.network import Network
from lqjax.runtime import batch_sharded, read, replicated
from lqjax.typing import Images, Logits, Tree

Prepare = Callable[[Any, jax.Array], Images]
"""(uint8 images or pairs of them, example numbers) -> float32 images in [0, 1]."""

Moments = tuple[jax.Array, jax.Array]
"""Mean and standard deviation, float32, (channels,) each."""

Pass = Callable[[Tree, Tree, Moments, Images], jax.Array]
"""A compiled pass over a batch of images in [0, 1]: one row of its result for each of them."""


class Predictor:
    """A network ready to classify: one compiled forward pass for everything it is shown.

    Args:
      network: what classifies.
      statistics: (mean, std) per channel that belong to the network.
      batch_size: images a pass, over all devices of the mesh.

    Attributes:
      forward: the compiled pass, (params, stats, moments, images) -> logits.
      function: the same, not compiled.
      moments: the statistics on the devices, an argument of the pass: all folds share it.
    """

    def __init__(
        self,
        network: Network,
        statistics: tuple[np.ndarray, np.ndarray],
        batch_size: int,
        mesh: Mesh,
    ) -> None:
        check_batch_size(batch_size, mesh.size, "evaluation.batch_size")
        self.network, self.batch_size, self.mesh = network, batch_size, mesh

        def forward(params: Tree, stats: Tree, images: Images) -> Logits:
            return network.apply(params, stats, images, train=False)[0]

        self.function = _normalising(forward)
        self.forward = self._compile(self.function)
        self.moments = self._placed(statistics)
        self._compiled: dict[str, Pass] = {}

    def with_statistics(self, statistics: tuple[np.ndarray, np.ndarray]) -> Predictor:
        """Return a predictor for weights that belong to other images, without compiling anew."""
        made = copy.copy(self)
        made.moments = self._placed(statistics)
        return made

    def compiled(self, name: str, function: Callable[[Tree, Tree, Images], jax.Array]) -> Pass:
        """Compile another pass, once under a name: all folds and seeds of a network share it.

        Args:
          function: (params, stats, normalised images) -> one row for each image. A name always
            stands for the same one.
        """
        if name not in self._compiled:
            self._compiled[name] = self._compile(_normalising(function))
        return self._compiled[name]

    def logits(
        self,
        params: Tree,
        stats: Tree,
        batches: Placed | Beside,
        prepare: Prepare,
        advance: Callable[[int], None] = lambda images: None,
    ) -> np.ndarray:
        """Classify a whole split.

        Args:
          batches: the split; the last batch is filled up and what was added is cut off again.
          prepare: makes network input from the stored bytes; a program of its own, so that the
            forward pass is compiled once whatever it does.
          advance: called with the number of images after each batch.

        Returns:
          Float32 logits, (examples, classes), in the order of the split.
        """
        return self.over(self.forward, params, stats, batches, prepare, advance)

    def over(
        self,
        program: Pass,
        params: Tree,
        stats: Tree,
        batches: Placed | Beside,
        prepare: Prepare,
        advance: Callable[[int], None] = lambda images: None,
        plan: Iterable[tuple[np.ndarray, np.ndarray]] = (),
    ) -> np.ndarray:
        """Run a pass over a whole split; other arguments as for `logits`.

        Args:
          program: from `compiled`.
          plan: rows of each batch and a mask that is true where a row counts; all in the order of
            the split if left out.

        Returns:
          What the pass gives for the rows that count, one after the other.
        """
        parts: list[np.ndarray] = []
        waiting: tuple[jax.Array, np.ndarray] | None = None
        chosen = plan or padded_batches(len(batches), self.batch_size)
        rows, masks = zip(*chosen, strict=True)
        for (images, _, numbers, _), mask in zip(batches.batches(rows), masks, strict=True):
            made = program(params, stats, self.moments, prepare(images, numbers)), mask
            if waiting is not None:
                parts.append(read(waiting[0])[waiting[1]])
            waiting = made
            advance(int(mask.sum()))
        if waiting is not None:
            parts.append(read(waiting[0])[waiting[1]])
        return np.concatenate(parts)

    def _compile(self, function: Pass) -> Pass:
        whole, split = replicated(self.mesh), batch_sharded(self.mesh)
        compiled: Pass = jit(
            function, in_shardings=(whole, whole, whole, split), out_shardings=split
        )
        return compiled

    def _placed(self, statistics: tuple[np.ndarray, np.ndarray]) -> Moments:
        whole = replicated(self.mesh)
        mean, std = (to_devices(np.asarray(values, np.float32), whole) for values in statistics)
        return mean, std


def _normalising(function: Callable[[Tree, Tree, Images], jax.Array]) -> Pass:
    def normalised(params: Tree, stats: Tree, moments: Moments, images: Images) -> jax.Array:
        mean, std = (values.reshape(1, 1, 1, -1) for values in moments)
        return function(params, stats, (images - mean) / std)

    normalised.__name__ = function.__name__  # the compiler's name of the program, in traces
    return normalised


@jax.jit
def as_floats(images: jax.Array, numbers: jax.Array) -> Images:
    """Turn stored bytes into float32 in [0, 1], the `Prepare` of clean images."""
    return from_levels(images)
