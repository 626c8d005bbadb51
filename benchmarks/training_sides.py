"""A side of the comparison, and lqjax's: one network, ready to train and to infer a batch.

lqjax runs its own training step as `train` does: uint8 images that live on the device, gathered,
normalised, counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves memory to the other side

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lqjax.compiling import jit
from lqjax.config import Config, default_config, from_config_dict
from lqjax.data.resident import Resident
from lqjax.models.network import Network, build, choose_stem
from lqjax.optim.building import build_optimizer
from lqjax.runtime import make_mesh
from lqjax.training.dispatch import Dispatcher, steps_per_dispatch
from lqjax.training.loss import make_loss
from lqjax.training.scales import make_scales
from lqjax.training.state import create_state
from lqjax.training.step import Update, make_preparation, make_update
from lqjax.typing import Split, Tree

CHANNELS, CLASSES = 3, 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9
MEAN = STD = 0.5
LEVELS = 256


@dataclass(frozen=True)
class Cell:
    """What is measured: network, image side in pixels, batch, dtype of the computation."""

    model: str
    size: int
    batch: int
    dtype: str

    @property
    def stem(self) -> str:
        return choose_stem(self.size)


@dataclass(frozen=True)
class Side:
    """One implementation; each call does `steps` batches and waits for the result."""

    name: str
    train: Callable[[], None]
    infer: Callable[[], None]


def steps_of_a_turn() -> int:
    """Count the batches of a turn: what lqjax hands to the device at once."""
    return steps_per_dispatch(0)


def split_of(cell: Cell) -> Split:
    """Draw the images and labels of a turn."""
    random = np.random.default_rng(0)
    count = cell.batch * steps_of_a_turn()
    shape = (count, cell.size, cell.size, CHANNELS)
    images = random.integers(LEVELS, size=shape, dtype=np.uint8)
    labels = random.integers(CLASSES, size=count).astype(np.int32)
    return Split(images, labels, np.arange(count).astype(str))


def config_of(cell: Cell, degradations: tuple[str, ...] = ()) -> Config:
    """Say what is trained; with degradations, every step draws one of them."""
    recipe = default_config()
    recipe.optimizer.name = "sgd"
    recipe.optimizer.learning_rate, recipe.optimizer.momentum = LEARNING_RATE, MOMENTUM
    recipe.optimizer.weight_decay = 0.0  # PyTorch's side has none either
    recipe.training.batch_size = cell.batch
    recipe.augmentation.degradations = degradations
    recipe.augmentation.degradation_probability = 1.0
    return from_config_dict(recipe)


def network_of(cell: Cell) -> Network:
    """Build the network of a cell; nothing is allocated.

    Raises:
      ValueError: lqjax has no such network, or not for this size or dtype.
    """
    return build(
        cell.model,
        num_classes=CLASSES,
        channels=CHANNELS,
        image_size=cell.size,
        dtype=cell.dtype,
        stem=cell.stem,
    )


def our_side(cell: Cell) -> Side:
    """Build lqjax's side; nothing is compiled before its first turn."""
    network, config = network_of(cell), config_of(cell)
    held = [our_state(network, config)]
    run = our_steps(network, cell, config)

    def train() -> None:
        held[0], mean = run(held[0])
        mean.block_until_ready()

    weights = {name: jax.tree.map(jnp.copy, held[0][name]) for name in ("params", "stats")}
    return Side("lqjax", train, _our_inference(network, cell, weights))


def our_state(network: Network, config: Config) -> Tree:
    """Make the state before the first step."""
    return create_state(network, _optimizer(config), config, make_mesh(1))


def our_steps(
    network: Network, cell: Cell, config: Config, wrap: Callable[[Update], Update] = lambda u: u
) -> Callable[[Tree], tuple[Tree, jax.Array]]:
    """Build the training steps of one turn: state -> (state, mean loss); the state is donated.

    Args:
      wrap: what makes of lqjax's step the one that is run.
    """
    mesh, split, steps = make_mesh(1), split_of(cell), steps_of_a_turn()
    statistics = np.full(CHANNELS, MEAN, np.float32), np.full(CHANNELS, STD, np.float32)
    scales = make_scales(statistics, np.ones(CLASSES), mesh)
    prepare = make_preparation(config.augmentation, CLASSES)
    loss = make_loss(config.training)
    update = wrap(make_update(network, _optimizer(config), config, prepare, loss))
    dispatcher = Dispatcher(update, Resident(split, mesh), mesh, steps, cell.batch, steps)
    [dispatch] = dispatcher.dispatches(np.arange(len(split)), 0, scales)
    factor = jnp.ones(())
    return lambda state: dispatch.run(state, factor)


def _optimizer(config: Config) -> optax.GradientTransformationExtraArgs:
    return build_optimizer(config, optax.constant_schedule(LEARNING_RATE))


def _our_inference(network: Network, cell: Cell, weights: dict[str, object]) -> Callable[[], None]:
    images = jnp.asarray(split_of(cell).images[: cell.batch])

    @jit
    def forward(weights: dict[str, object], images: jax.Array) -> jax.Array:
        inputs = (images.astype(jnp.float32) / (LEVELS - 1) - MEAN) / STD
        return network.apply(weights["params"], weights["stats"], inputs, train=False)[0]

    def infer() -> None:
        for _ in range(steps_of_a_turn()):
            logits = forward(weights, images)
        logits.block_until_ready()

    return infer


def seconds(turn: Callable[[], None]) -> float:
    """Time one turn."""
    began = time.perf_counter()
    turn()
    return time.perf_counter() - began
