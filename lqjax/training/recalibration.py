"""Batch statistics gathered anew, for weights that no step has trained with."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
from jax.sharding import Mesh

from lqjax.compiling import jit
from lqjax.config import Config
from lqjax.data.batch import Placed
from lqjax.models.network import Network
from lqjax.runtime import batch_sharded, replicated
from lqjax.training.material import Material
from lqjax.training.scales import Scales
from lqjax.training.stages import make_stages
from lqjax.training.step import Prepare
from lqjax.typing import Tree

BATCHES = 50
"""Batches that the statistics are gathered from: what they were before then weighs half a percent
(source: the notes on BatchNorm of facebookresearch/schedule_free)."""

Recalibrate = Callable[[Tree, Tree, Material, int, int], Tree]
"""(params, stats, material, seed, number of the epoch) -> stats."""


def make_recalibration(
    network: Network, config: Config, prepare: Prepare, images: Placed, mesh: Mesh
) -> Recalibrate:
    """Build the forward passes that gather the batch statistics of given weights.

    A schedule-free optimiser evaluates an average of the weights that it trains with; running
    statistics of the trained ones do not belong to it.

    Args:
      prepare: what training does to images, from `lqjax.training.step.make_preparation`.
      images: what the materials have their rows of.

    Returns:
      A function that shows up to `BATCHES` training batches to the network, in training mode; the
      same batches for the same epoch. Networks without batch statistics, or with frozen ones
      only, get theirs back at once.
    """
    size = config.training.batch_size
    whole, split = replicated(mesh), batch_sharded(mesh)
    # Stages that are unfrozen on the way are refused where weights are averaged: none depends on
    # the step, nor on how many make an epoch.
    stages = make_stages(network, config, 1)
    modes = stages.modes(0)

    def show(
        params: Tree,
        stats: Tree,
        words: jax.Array,
        scales: Scales,
        images: jax.Array,
        labels: jax.Array,
        numbers: jax.Array,
    ) -> Tree:
        key = jax.random.wrap_key_data(words)
        inputs = prepare(key, scales, images, labels, numbers)["images"]
        return network.apply(params, stats, inputs, train=modes, key=key)[1]

    program = jit(
        show, in_shardings=(whole, whole, whole, whole, split, split, split), out_shardings=whole
    )

    def recalibrate(params: Tree, stats: Tree, material: Material, seed: int, epoch: int) -> Tree:
        if not jax.tree.leaves(stages.trained(stats)):
            return stats
        order = material.order(seed, epoch)
        count = min(BATCHES, len(order) // size)
        rows = np.split(order[: count * size], count)
        for number, batch in enumerate(images.batches(rows)):
            key = jax.random.fold_in(jax.random.key(seed), number)
            words = np.asarray(jax.random.key_data(key))
            stats = program(params, stats, words, material.scales, *batch[:3])
        return stats

    return recalibrate
