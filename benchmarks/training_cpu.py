"""Compare training and inference on the CPU with PyTorch, both measured in one run.

    python benchmarks/training_cpu.py
    python benchmarks/training_cpu.py --models resnet50 --steps 20 --json speed.json

Both sides: float32, 64 px, batch 64, SGD with momentum, the same two cores. PyTorch runs eagerly in
channels-last layout. The sides take turns step by step, so that a disturbance hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
import optax
import torch
import torch_networks

from lqjax.compiling import compile_options, jit
from lqjax.models.network import build

MODELS = ("resnet50", "resnet18", "alexnet_one_tower")
SIZE, BATCH, CHANNELS, CLASSES = 64, 64, 3, 10
LEARNING_RATE, MOMENTUM = 0.01, 0.9
THREADS = 2
WARM_UP = 2


@dataclass(frozen=True)
class Side:
    """One implementation, ready to run a step of a kind; each call waits for its result."""

    train: Callable[[], None]
    infer: Callable[[], None]
    compile_seconds: float


@dataclass(frozen=True)
class Row:
    """Images per second of both sides for one model and kind of step.

    `ratio` is that of the medians, `best_ratio` that of the fastest steps, which other programs
    on the machine disturb least.
    """

    model: str
    step: str
    ours: float
    ours_range: tuple[float, float]
    torch: float
    torch_range: tuple[float, float]
    ratio: float
    best_ratio: float
    compile_seconds: float
    n: int


def our_side(name: str, images: np.ndarray, labels: np.ndarray) -> Side:
    network = build(name, num_classes=CLASSES, channels=CHANNELS, image_size=SIZE)
    optimizer = optax.sgd(LEARNING_RATE, momentum=MOMENTUM)
    params, stats = network.init(0)
    state = [params, stats, jax.jit(optimizer.init)(params)]
    batch = jnp.asarray(images), jnp.asarray(labels)
    key = jax.random.key(1)

    def step(params, stats, moments, images, labels, key):
        def loss(params):
            logits, new = network.apply(params, stats, images, train=True, key=key)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return losses.mean(), new

        (value, new_stats), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        updates, moments = optimizer.update(gradient, moments, params)
        return optax.apply_updates(params, updates), new_stats, moments, value

    def forward(params, stats, images):
        return network.apply(params, stats, images, train=False)[0]

    began = time.perf_counter()
    step_program = jit(step, donate_argnums=(0, 1, 2)).lower(*state, *batch, key).compile()
    compile_seconds = time.perf_counter() - began
    forward_program = jit(forward).lower(*state[:2], batch[0]).compile()

    def train() -> None:
        *state[:], loss = step_program(*state, *batch, key)
        loss.block_until_ready()

    def infer() -> None:
        forward_program(*state[:2], batch[0]).block_until_ready()

    return Side(train, infer, compile_seconds)


def torch_side(name: str, images: np.ndarray, labels: np.ndarray) -> Side:
    layout = torch.channels_last
    network = torch_networks.build(name, CLASSES, CHANNELS).to(memory_format=layout)
    optimizer = torch.optim.SGD(network.parameters(), LEARNING_RATE, momentum=MOMENTUM)
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    targets = torch.from_numpy(labels).long()

    def train() -> None:
        network.train()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()

    def infer() -> None:
        network.eval()
        with torch.inference_mode():
            network(inputs)

    return Side(train, infer, 0.0)


def rates(sides: tuple[Side, Side], step: str, n: int) -> tuple[list[float], list[float]]:
    """Time n steps of each side in turn; images per second."""
    results: tuple[list[float], list[float]] = ([], [])
    for i in range(WARM_UP + n):
        for side, result in zip(sides, results, strict=True):
            began = time.perf_counter()
            getattr(side, step)()
            if i >= WARM_UP:
                result.append(BATCH / (time.perf_counter() - began))
    return results


def compare(name: str, n: int) -> list[Row]:
    random = np.random.default_rng(0)
    images = random.standard_normal((BATCH, SIZE, SIZE, CHANNELS), np.float32)
    labels = random.integers(CLASSES, size=BATCH).astype(np.int32)
    sides = our_side(name, images, labels), torch_side(name, images, labels)
    rows = []
    for step in ("train", "infer"):
        ours, theirs = rates(sides, step, n)
        medians = float(np.median(ours)), float(np.median(theirs))
        rows.append(
            Row(
                name, step,
                medians[0], (min(ours), max(ours)),
                medians[1], (min(theirs), max(theirs)),
                medians[0] / medians[1], max(ours) / max(theirs),
                sides[0].compile_seconds if step == "train" else 0.0, n,
            )
        )  # fmt: skip
    return rows


def environment() -> dict[str, object]:
    return {
        "jax": jax.__version__, "jaxlib": jaxlib.__version__, "torch": torch.__version__,
        "optax": optax.__version__, "python": platform.python_version(),
        "cores": os.cpu_count(), "load": os.getloadavg()[0], "options": compile_options(),
        "size": SIZE, "batch": BATCH, "dtype": "float32",
    }  # fmt: skip


def line(row: Row) -> str:
    ours = f"{row.ours:6.1f} ({row.ours_range[0]:.1f}-{row.ours_range[1]:.1f})"
    theirs = f"{row.torch:6.1f} ({row.torch_range[0]:.1f}-{row.torch_range[1]:.1f})"
    compiled = f"{row.compile_seconds:.1f}" if row.compile_seconds else ""
    return (
        f"{row.model:18} {row.step:6} {ours:24} {theirs:24} "
        f"{row.ratio:6.2f} {row.best_ratio:6.2f} {compiled:>9}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS), help="comma-separated names")
    parser.add_argument("--steps", type=int, default=12, help="timed steps of each side")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    flags = parser.parse_args()
    torch.set_num_threads(THREADS)
    facts = environment()
    print(" ".join(f"{name}={value}" for name, value in facts.items()))
    print(
        f"{'model':18} {'step':6} {'lqjax images/s (range)':24} {'PyTorch images/s':24} "
        f"{'ratio':>6} {'best':>6} {'compile s':>9}"
    )
    rows = []
    for name in flags.models.split(","):
        for row in compare(name, flags.steps):
            print(line(row), flush=True)
            rows.append(asdict(row))
    if flags.json:
        flags.json.write_text(json.dumps({"environment": facts, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
