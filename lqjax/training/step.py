"""The training step: pure, compiled once, on any number of devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from clu.metrics import Collection
from jax.sharding import Mesh

from lqjax.augmentations.base import augment
from lqjax.compiling import jit
from lqjax.config import Config
from lqjax.imaging.conditions import expand
from lqjax.imaging.levels import from_levels
from lqjax.models.network import Network
from lqjax.runtime import batch_sharded, replicated
from lqjax.training.degrading import random_degradation
from lqjax.training.loss import cross_entropy
from lqjax.training.measures import measure
from lqjax.typing import Tree

AUGMENT_STREAM, DEGRADE_STREAM, MODEL_STREAM = 0, 1, 2


def make_train_step(
    network: Network,
    optimizer: optax.GradientTransformation,
    config: Config,
    statistics: tuple[np.ndarray, np.ndarray],
    mesh: Mesh,
) -> Callable[..., tuple[Tree, Collection, jax.Array]]:
    """Compile one step: augment, degrade, forward, backward, update.

    All randomness comes from `config.run.seed` and the step's number, so that a run can be
    taken up at any step. The mean over the batch is global: XLA adds the reductions that the
    sharding needs.

    Args:
      statistics: (mean, std) per channel of the training images in [0, 1].

    Returns:
      `(state, metrics, images, labels, numbers) -> (state, metrics, loss)`; state and metrics
      are donated, images are uint8 with the batch sharded over the mesh, `loss` is the mean of
      this batch.
    """
    prepare = _preparation(config, statistics)

    def loss_of(params: Tree, stats: Tree, images: jax.Array, labels: jax.Array, key: Any) -> Any:
        logits, stats = network.apply(params, stats, images, train=True, key=key)
        losses = cross_entropy(logits, labels, config.training.label_smoothing)
        return losses.mean(), (stats, logits, losses)

    def step(
        state: Tree, metrics: Collection, images: jax.Array, labels: jax.Array, numbers: jax.Array
    ) -> tuple[Tree, Collection, jax.Array]:
        key = jax.random.fold_in(jax.random.key(config.run.seed), state["step"])
        inputs = prepare(key, images, numbers)
        gradients, (stats, logits, losses) = jax.grad(loss_of, has_aux=True)(
            state["params"], state["stats"], inputs, labels, jax.random.fold_in(key, MODEL_STREAM)
        )
        updates, optimizer_state = optimizer.update(gradients, state["optimizer"], state["params"])
        made = {
            "step": state["step"] + 1,
            "params": optax.apply_updates(state["params"], updates),
            "stats": stats,
            "optimizer": optimizer_state,
        }
        return made, metrics.merge(measure(logits, labels, losses)), losses.mean()

    whole, split = replicated(mesh), batch_sharded(mesh)
    return jit(
        step,
        donate_argnums=(0, 1),
        in_shardings=(whole, whole, split, split, split),
        out_shardings=(whole, whole, whole),
    )


def _preparation(
    config: Config, statistics: tuple[np.ndarray, np.ndarray]
) -> Callable[[jax.Array, jax.Array, jax.Array], jax.Array]:
    mean, std = (jnp.asarray(v, jnp.float32).reshape(1, 1, 1, -1) for v in statistics)
    settings = config.augmentation
    degrade = None
    if settings.degradations:
        degrade = random_degradation(
            expand(settings.degradations), settings.degradation_probability
        )

    def prepare(key: jax.Array, images: jax.Array, numbers: jax.Array) -> jax.Array:
        inputs = from_levels(images)
        inputs = augment(jax.random.fold_in(key, AUGMENT_STREAM), inputs, settings)
        if degrade is not None:
            inputs = degrade(jax.random.fold_in(key, DEGRADE_STREAM), inputs, numbers)
        return (inputs - mean) / std

    return prepare
