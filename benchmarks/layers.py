"""Compare lqjax's forms of single layers on a CPU with the plain operations of the compiler.

    python benchmarks/layers.py
    python benchmarks/layers.py --batch 16 --json layers.json

The layers are those of ResNet and AlexNet at 64 px. Both sides take turns and are compiled with the
options that lqjax sets, but for the row that compares these with the compiler's defaults. Training
is forward and backward, for the maps and for the kernel. A ratio is that of the medians: how many
times as fast lqjax's form is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np
from jax import lax

from lqjax.compiling import compile_options
from lqjax.models import local_response_norm as norm
from lqjax.models.convolve import convolve, plain_convolution
from lqjax.models.platforms import plain_operations
from lqjax.models.pooling import max_pool

WARM_UP = 1
MILLISECONDS = 1000
LAYOUT = "{:44} {:16} {:8} {:>25} {:>25} {:>6}"
HEADER = ("layer", "maps", "pass", "lqjax, ms (range)", "plain, ms (range)", "ratio")

Operation = Callable[..., jax.Array]


@dataclass(frozen=True)
class Layer:
    """A layer in two forms.

    Attributes:
      maps: (height, width, channel) of what goes in.
      kernel: shape of its kernel, HWIO; empty where it has none.
      ours, plain: (maps, kernel) -> maps, or maps -> maps.
      ours_only: compiler options that the plain form is compiled without.
    """

    name: str
    maps: tuple[int, int, int]
    kernel: tuple[int, ...]
    ours: Operation
    plain: Operation
    ours_only: tuple[str, ...] = ()


def plain_norm(maps: jax.Array) -> jax.Array:
    """Compute local response normalisation as the paper writes it."""
    half = norm.NEIGHBOURS // 2
    padding = ((0, 0), (0, 0), (0, 0), (half, half))
    windows = (1, 1, 1, norm.NEIGHBOURS), (1, 1, 1, 1), padding
    energy = norm.OFFSET + norm.SHARE * lax.reduce_window(jnp.square(maps), 0.0, lax.add, *windows)
    return maps / energy**norm.EXPONENT


def convolution(
    name: str, side: int, inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1
) -> Layer:
    how = {"stride": stride, "padding": size // 2, "groups": groups}
    kernel = (size, size, inputs // groups, outputs)
    ours, plain = partial(convolve, **how), partial(plain_convolution, **how)
    return Layer(name, (side, side, inputs), kernel, ours, plain)


def pooling(name: str, side: int, channels: int) -> Layer:
    pool = partial(max_pool, size=3, stride=2, padding=1)
    return Layer(name, (side, side, channels), (), pool, pool)


def options_alone(name: str, side: int, inputs: int, outputs: int, size: int, stride: int) -> Layer:
    plain = partial(plain_convolution, stride=stride, padding=size // 2)
    kernel = (size, size, inputs, outputs)
    return Layer(name, (side, side, inputs), kernel, plain, plain, tuple(compile_options()))


def layers() -> list[Layer]:
    """List what is compared."""
    return [
        convolution("3x3, first stage of ResNet (Winograd)", 16, 64, 64),
        convolution("3x3, second stage (Winograd)", 8, 128, 128),
        convolution("3x3, third stage (Winograd)", 4, 256, 256),
        convolution("3x3, third layer of AlexNet (Winograd)", 3, 192, 384),
        convolution("3x3, fourth stage of ResNet (Winograd)", 2, 512, 512),
        convolution("5x5 on 3 px (unfolded)", 3, 96, 128, size=5),
        convolution("1x1, first stage (matrix product)", 16, 64, 256, size=1),
        convolution("1x1 with stride, second stage", 16, 256, 512, size=1, stride=2),
        convolution("5x5 in two groups, second layer of AlexNet", 7, 96, 256, size=5, groups=2),
        pooling("3x3 max pooling, stem of ResNet", 32, 64),
        Layer("local response norm, first of AlexNet", (15, 15, 96), (),
              norm.local_response_norm, plain_norm),
        options_alone("options alone: plain 3x3, first stage", 16, 64, 64, 3, 1),
        options_alone("options alone: plain 7x7, stem of ResNet", 64, 3, 64, 7, 2),
    ]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Milliseconds of both forms, median and range, and how many times as fast lqjax's is."""

    layer: str
    maps: tuple[int, ...]
    step: str
    ours: tuple[float, float, float]
    plain: tuple[float, float, float]
    ratio: float

    def __str__(self) -> str:
        sides = ["{:.2f} ({:.2f}-{:.2f})".format(*side) for side in (self.ours, self.plain)]
        shape = "x".join(map(str, self.maps))
        return LAYOUT.format(self.layer, shape, self.step, *sides, f"{self.ratio:.2f}")


def with_gradients(operation: Operation) -> Callable[..., Any]:
    """Add the backward pass, for gradients of ones."""

    def run(*arrays: jax.Array) -> Any:
        result, backward = jax.vjp(operation, *arrays)
        return result, backward(jnp.ones_like(result))

    return run


def compiled(
    function: Callable[..., Any], arrays: list[jax.Array], plain: bool, without: tuple[str, ...]
) -> Callable[[], None]:
    options = {name: v for name, v in compile_options().items() if name not in without}
    with plain_operations() if plain else nullcontext():
        # A function of its own each time: jit would remember the form that it traced before.
        program = jax.jit(lambda *given: function(*given), compiler_options=options)
        ready = program.lower(*arrays).compile()
    return lambda: jax.block_until_ready(ready(*arrays))


def in_turn(programs: list[Callable[[], None]], turns: int) -> list[tuple[float, float, float]]:
    """Time programs turn by turn; median and range of each in milliseconds."""
    times: list[list[float]] = [[] for _ in programs]
    for number in range(WARM_UP + turns):
        for program, results in zip(programs, times, strict=True):
            began = time.perf_counter()
            program()
            if number >= WARM_UP:
                results.append((time.perf_counter() - began) * MILLISECONDS)
    return [(statistics.median(found), min(found), max(found)) for found in times]


def compare(layer: Layer, batch: int, turns: int) -> list[Row]:
    """Measure both forms of a layer, forward and in training."""
    random = np.random.default_rng(0)
    shapes = [(batch, *layer.maps), *([layer.kernel] if layer.kernel else [])]
    arrays = [jnp.asarray(random.normal(size=shape), jnp.float32) for shape in shapes]
    rows = []
    for step, form in (("forward", lambda operation: operation), ("training", with_gradients)):
        programs = [
            compiled(form(layer.ours), arrays, False, ()),
            compiled(form(layer.plain), arrays, True, layer.ours_only),
        ]
        ours, plain = in_turn(programs, turns)
        rows.append(Row(layer.name, shapes[0], step, ours, plain, plain[0] / ours[0]))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="images at once")
    parser.add_argument("--turns", type=int, default=9, help="timed turns of each side")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    flags = parser.parse_args()
    for name in ("batch", "turns"):
        if getattr(flags, name) < 1:
            raise SystemExit(f"--{name}={getattr(flags, name)}: must be at least 1")
    if jax.default_backend() != "cpu":
        raise SystemExit("on accelerators both forms are the same; set JAX_PLATFORMS=cpu")
    facts = {
        "machine": platform.machine(), "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0], "python": platform.python_version(), "jax": jax.__version__,
        "jaxlib": jaxlib.__version__, "compiler_options": compile_options(),
    }  # fmt: skip
    print(" ".join(f"{name}={value}" for name, value in facts.items()))
    print(LAYOUT.format(*HEADER))
    rows = []
    for layer in layers():
        for row in compare(layer, flags.batch, flags.turns):
            print(row, flush=True)
            rows.append(asdict(row))
    if flags.json:
        flags.json.write_text(json.dumps({"environment": facts, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
