"""Features of frozen stages, computed once: the head is trained on them in place of the images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lqjax.compiling import jit
from lqjax.config import Config
from lqjax.data.batch import Placed, to_devices
from lqjax.data.order import padded_batches
from lqjax.data.placing import place
from lqjax.imaging.levels import from_levels
from lqjax.models.base import Train
from lqjax.models.network import Network
from lqjax.runtime import batch_sharded, read, replicated
from lqjax.training.courses import Course
from lqjax.training.dispatch import STEPS_ON_ACCELERATORS, Dispatcher
from lqjax.training.loss import make_loss
from lqjax.training.material import Material
from lqjax.training.scales import Scales
from lqjax.training.step import WEIGHTS, Prepare, make_update
from lqjax.training.validating import loss_and_accuracy
from lqjax.typing import Logits, Split, Tree


@dataclass(frozen=True)
class OnFeatures:
    """A network that is shown features in place of images, (batch, 1, 1, feature)."""

    network: Network

    def apply(
        self,
        params: Tree,
        stats: Tree,
        images: jax.Array,
        *,
        train: Train,
        key: jax.Array | None = None,
    ) -> tuple[Logits, Tree]:
        """Compute logits; see `Network.classify`."""
        return self.network.classify(params, stats, images[:, 0, 0], train=train, key=key)


def on_features(
    network: Network,
    config: Config,
    course: Course,
    images: Placed,
    mesh: Mesh,
    state: Tree,
    material: Material,
) -> tuple[Dispatcher, Material]:
    """Compute the features of a run's images, and build what trains its head on them.

    Args:
      course: of the run on images.
      state: of the run; its frozen weights make the features.
      material: what it is trained on.

    Returns:
      What takes the state through the steps, and what it is trained on and validated with from
      now on. The state, and so every checkpoint, stays that of the whole network.
    """
    make = _maker(network, config, mesh)
    made = make(state, material.scales, images, material.rows)
    data = config.data
    placed = place(made, mesh, data.residency, data.device_share)
    update = make_update(
        cast(Network, OnFeatures(network)),
        course.optimizer,
        config,
        _preparation(network.num_classes),
        make_loss(config.training),
        course.stages,
    )
    dispatcher = Dispatcher(
        update,
        placed,
        mesh,
        course.plan.steps_per_epoch,
        config.training.batch_size,
        # On a CPU, too: a loop there is slow for the sake of convolutions, and here are none.
        config.training.steps_per_dispatch or STEPS_ON_ACCELERATORS,
    )
    changed: dict[str, Any] = {"rows": np.arange(len(made))}
    if material.validation is not None:
        shown = material.validation()
        validation = make(state, material.scales, shown, np.arange(len(shown)))
        changed["validate"] = _validation(network, mesh, validation)
    return dispatcher, dataclasses.replace(material, **changed)


def _maker(network: Network, config: Config, mesh: Mesh) -> Any:
    size = config.evaluation.batch_size
    whole, split = replicated(mesh), batch_sharded(mesh)

    def features(params: Tree, stats: Tree, scales: Scales, images: jax.Array) -> jax.Array:
        mean, std = (values.reshape(1, 1, 1, -1) for values in (scales.mean, scales.std))
        inputs = from_levels(images).astype(jnp.float32)
        return network.features(params, stats, (inputs - mean) / std).astype(jnp.float32)

    program = jit(features, in_shardings=(whole, whole, whole, split), out_shardings=split)

    def make(state: Tree, scales: Scales, images: Placed, rows: np.ndarray) -> Split:
        found: list[tuple[np.ndarray, ...]] = []
        chosen, masks = zip(*padded_batches(len(rows), size), strict=True)
        batches = images.batches([rows[places] for places in chosen])
        for batch, mask in zip(batches, masks, strict=True):
            made = program(state["params"], state["stats"], scales, batch.images)
            given = (made, batch.labels, batch.weights)
            found.append(tuple(read(array)[mask] for array in given if array is not None))
        arrays = [np.concatenate(parts) for parts in zip(*found, strict=True)]
        weights = arrays[2] if len(arrays) > 2 else None
        names = np.arange(len(rows)).astype(str)  # nothing is drawn by them
        return Split(arrays[0][:, None, None], arrays[1], names, weights=weights)

    return make


def _preparation(num_classes: int) -> Prepare:
    def prepare(
        key: jax.Array,
        scales: Scales,
        images: jax.Array,
        labels: jax.Array,
        numbers: jax.Array,
        weights: jax.Array | None = None,
    ) -> Tree:
        made = {"images": images, "targets": jax.nn.one_hot(labels, num_classes)}
        return made if weights is None else {**made, WEIGHTS: weights}

    return prepare


def _validation(network: Network, mesh: Mesh, split: Split) -> Any:
    features = to_devices(split.images[:, 0, 0], replicated(mesh))

    def logits(params: Tree, stats: Tree, features: jax.Array) -> Logits:
        return network.classify(params, stats, features, train=False)[0]

    program = jit(logits)

    def validate(params: Tree, stats: Tree) -> tuple[float, float]:
        return loss_and_accuracy(read(program(params, stats, features)), split.labels)

    return validate
