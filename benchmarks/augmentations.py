"""Time every augmentation alone, and what share of a ResNet-18 training step that is.

    python benchmarks/augmentations.py

64 px, batch 64, three channels, float32. The programs and the step take turns, so that a
disturbance hits all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lqjax.augmentations.base import augment, mix
from lqjax.compiling import jit
from lqjax.config import AugmentationConfig
from lqjax.models.network import build

SIZE, BATCH, CHANNELS, CLASSES = 64, 64, 3, 10
MODEL, LEARNING_RATE = "resnet18", 1e-3
WARM_UP, TURNS = 2, 9
CASES = {
    "flip": {"flip": True},
    "crop": {"crop_padding": 4},
    "rotation and zoom": {"rotation": 10.0, "zoom": 0.15},
    "brightness and contrast": {"brightness": 0.2, "contrast": 0.2},
    "noise injection": {"noise_sigma": 0.01},
    "random erasing": {"erasing": 0.5},
    "channel transfer": {"channel_transfer": 0.5},
    "RandAugment, 1 operation": {"randaugment_operations": 1},
    "RandAugment, 2 operations": {"randaugment_operations": 2},
    "mixup": {"mixup": 0.2},
    "CutMix": {"cutmix": 1.0},
    "mixup or CutMix": {"mixup": 0.2, "cutmix": 1.0},
}

Program = Callable[[], None]


def augmentation(settings: AugmentationConfig, images: jax.Array, targets: jax.Array) -> Program:
    """Compile what the settings ask for; a call runs it and waits."""

    @jit
    def program(key, images, targets):
        return mix(key, augment(key, images, settings), targets, settings)

    key = jax.random.key(0)
    return lambda: jax.block_until_ready(program(key, images, targets))


def training_step(images: jax.Array, targets: jax.Array) -> Program:
    """Compile forward, backward and update; a call runs them and waits."""
    network = build(MODEL, num_classes=CLASSES, channels=CHANNELS, image_size=SIZE)
    optimizer = optax.adamw(LEARNING_RATE)
    params, stats = network.init(0)
    state = [params, stats, jax.jit(optimizer.init)(params)]

    def step(params, stats, moments, images, targets):
        def loss(params):
            logits, new = network.apply(params, stats, images, train=True, key=jax.random.key(1))
            return optax.softmax_cross_entropy(logits, targets).mean(), new

        gradients, stats = jax.grad(loss, has_aux=True)(params)
        updates, moments = optimizer.update(gradients, moments, params)
        return optax.apply_updates(params, updates), stats, moments

    program = jit(step, donate_argnums=(0, 1, 2))

    def run() -> None:
        state[:] = jax.block_until_ready(program(*state, images, targets))

    return run


def seconds(run: Program) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main() -> None:
    random = np.random.default_rng(0)
    images = jnp.asarray(random.random((BATCH, SIZE, SIZE, CHANNELS), dtype=np.float32))
    targets = jax.nn.one_hot(random.integers(CLASSES, size=BATCH), CLASSES, dtype=jnp.float32)
    programs = {"training step": training_step(images, targets)}
    for name, given in CASES.items():
        programs[name] = augmentation(AugmentationConfig(**given), images, targets)
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(WARM_UP + TURNS):
        for name, run in programs.items():
            taken = seconds(run)
            if turn >= WARM_UP:
                times[name].append(taken)
    step = statistics.median(times["training step"])
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}; {TURNS} turns, median and range")
    print("| | ms / batch | share of the step |\n|---|---|---|")
    for name, found in times.items():
        middle = statistics.median(found)
        shown = f"{1e3 * middle:.1f} ({1e3 * min(found):.1f} to {1e3 * max(found):.1f})"
        print(f"| {name} | {shown} | {100 * middle / step:.1f} % |")


if __name__ == "__main__":
    main()
