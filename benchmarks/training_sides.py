"""The two sides of the comparison: one network, ready to train and to infer a batch.

lqjax: its own training step as `train` runs it: uint8 images that live on the device, gathered,
normalised, counted. PyTorch: a batch of floats in channels-last layout that is already on the
device; on a GPU `torch.compile`, TF32 products as JAX has them, and autocast for bfloat16.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # leaves memory to the other side

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
import torch_networks

from lqjax.compiling import jit
from lqjax.config import Config, default_config, from_config_dict
from lqjax.data.resident import Resident
from lqjax.models.network import Network, build
from lqjax.optim.building import build_optimizer
from lqjax.runtime import make_mesh
from lqjax.training.dispatch import Dispatcher, steps_per_dispatch
from lqjax.training.loss import make_loss
from lqjax.training.scales import make_scales
from lqjax.training.state import create_state
from lqjax.training.step import make_preparation, make_update
from lqjax.typing import Split

CHANNELS, CLASSES = 3, 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9
MEAN = STD = 0.5
LEVELS = 256
SMALL_STEM_BELOW = 63
"""Side in pixels below which the published stems have no window left."""


@dataclass(frozen=True)
class Cell:
    """What is measured: network, image side in pixels, batch, dtype of the computation."""

    model: str
    size: int
    batch: int
    dtype: str

    @property
    def stem(self) -> str:
        return "small" if self.size < SMALL_STEM_BELOW else "imagenet"


@dataclass(frozen=True)
class Side:
    """One implementation; each call does `steps` batches and waits for the result."""

    name: str
    train: Callable[[], None]
    infer: Callable[[], None]


def steps_of_a_turn() -> int:
    """Count the batches of a turn: what lqjax hands to the device at once."""
    return steps_per_dispatch(0)


def _split(cell: Cell) -> Split:
    random = np.random.default_rng(0)
    count = cell.batch * steps_of_a_turn()
    shape = (count, cell.size, cell.size, CHANNELS)
    images = random.integers(LEVELS, size=shape, dtype=np.uint8)
    labels = random.integers(CLASSES, size=count).astype(np.int32)
    return Split(images, labels, np.arange(count).astype(str))


def _config(cell: Cell, degradations: tuple[str, ...]) -> Config:
    recipe = default_config()
    recipe.optimizer.name = "sgd"
    recipe.optimizer.learning_rate, recipe.optimizer.momentum = LEARNING_RATE, MOMENTUM
    recipe.training.batch_size = cell.batch
    recipe.augmentation.degradations = degradations
    return from_config_dict(recipe)


def our_side(cell: Cell, degradations: tuple[str, ...] = ()) -> Side:
    """Build lqjax's side; nothing is compiled before its first turn.

    Args:
      degradations: conditions to augment with, one drawn for each step.
    """
    network = build(
        cell.model,
        num_classes=CLASSES,
        channels=CHANNELS,
        image_size=cell.size,
        dtype=cell.dtype,
        stem=cell.stem,
    )
    train, weights = _our_training(network, cell, _config(cell, degradations))
    return Side("lqjax", train, _our_inference(network, cell, weights))


def _our_training(
    network: Network, cell: Cell, config: Config
) -> tuple[Callable[[], None], dict[str, object]]:
    mesh, split, steps = make_mesh(1), _split(cell), steps_of_a_turn()
    statistics = np.full(CHANNELS, MEAN, np.float32), np.full(CHANNELS, STD, np.float32)
    optimizer = build_optimizer(config, optax.constant_schedule(LEARNING_RATE))
    scales = make_scales(statistics, np.ones(CLASSES), mesh)
    prepare = make_preparation(config.augmentation, CLASSES)
    update = make_update(network, optimizer, config, prepare, make_loss(config.training))
    dispatcher = Dispatcher(update, Resident(split, mesh), mesh, steps, cell.batch, steps)
    [dispatch] = dispatcher.dispatches(np.arange(len(split)), 0, scales)
    state = create_state(network, optimizer, config, mesh)
    factor = jnp.ones(())
    held = [state]

    def train() -> None:
        held[0], mean = dispatch.run(held[0], factor)
        mean.block_until_ready()

    return train, jax.tree.map(jnp.copy, {name: state[name] for name in ("params", "stats")})


def _our_inference(network: Network, cell: Cell, weights: dict[str, object]) -> Callable[[], None]:
    images = jnp.asarray(_split(cell).images[: cell.batch])

    @jit
    def forward(weights: dict[str, object], images: jax.Array) -> jax.Array:
        inputs = (images.astype(jnp.float32) / (LEVELS - 1) - MEAN) / STD
        return network.apply(weights["params"], weights["stats"], inputs, train=False)[0]

    def infer() -> None:
        for _ in range(steps_of_a_turn()):
            logits = forward(weights, images)
        logits.block_until_ready()

    return infer


def torch_device() -> torch.device | None:
    """Find PyTorch's name of the device that JAX runs on; `None` if this PyTorch has none."""
    if jax.default_backend() == "cpu":
        return torch.device("cpu")
    return torch.device("cuda") if torch.cuda.is_available() else None


def torch_side(cell: Cell, device: torch.device) -> Side:
    """Build PyTorch's side: eager on a CPU, compiled on a GPU."""
    layout = torch.channels_last
    network = torch_networks.build(cell.model, CLASSES, CHANNELS, cell.stem)
    network = network.to(device, memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=MOMENTUM)
    split = _split(cell)
    images = torch.from_numpy(split.images[: cell.batch]).permute(0, 3, 1, 2).to(device)
    inputs = ((images.float() / (LEVELS - 1) - MEAN) / STD).contiguous(memory_format=layout)
    targets = torch.from_numpy(split.labels[: cell.batch]).long().to(device)
    run = network
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        run = torch.compile(network)

    def narrow() -> AbstractContextManager[None]:
        wanted = cell.dtype == "bfloat16"
        return torch.autocast(device.type, torch.bfloat16, enabled=wanted)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def train() -> None:
        network.train()
        for _ in range(steps_of_a_turn()):
            optimizer.zero_grad()
            with narrow():
                loss = torch.nn.functional.cross_entropy(run(inputs), targets)
            loss.backward()
            optimizer.step()
        wait()

    def infer() -> None:
        network.eval()
        with torch.inference_mode(), narrow():
            for _ in range(steps_of_a_turn()):
                run(inputs)
        wait()

    return Side("torch", train, infer)


def seconds(turn: Callable[[], None]) -> float:
    """Time one turn."""
    began = time.perf_counter()
    turn()
    return time.perf_counter() - began
