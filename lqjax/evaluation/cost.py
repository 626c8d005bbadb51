"""What a forward pass costs on the device at hand: seconds of repeated runs, and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.compiling import jit
from lqjax.distributed import decide
from lqjax.evaluation.predict import Predictor
from lqjax.runtime import batch_sharded, read
from lqjax.typing import Tree

WARMUP_RUNS = 2

LEAST_RUNS = 5
"""Runs that are timed, if so many are asked for, however long they take."""

LONGEST_SECONDS = 2.0
"""s; time after which fewer runs are made than asked for."""


@dataclass(frozen=True)
class Timing:
    """A program that was run again and again.

    Attributes:
      seconds: of each run, (runs,), compiled before.
      memory_bytes: most that the program needs at a time on each device: arguments, results and
        temporaries; `None` where the compiler does not tell. Devices that count for themselves
        report the peak of the whole process, training included, which never falls again.
    """

    seconds: np.ndarray
    memory_bytes: int | None


def time_one(predictor: Predictor, params: Tree, stats: Tree, runs: int) -> Timing:
    """Time the forward pass of one image on one device.

    Where several processes share the devices each one measures, and all have to take part.

    Args:
      runs: how many to time, at least 1; fewer where they would take longer than
        `LONGEST_SECONDS`, but not below `LEAST_RUNS`.
    """
    mine = [d for d in predictor.mesh.devices.flat if d.process_index == jax.process_index()]
    image = jnp.zeros((1, *_image_shape(predictor)))
    arguments = jax.device_put((*read((params, stats, predictor.moments)), image), mine[0])
    return _time(jit(predictor.function), arguments, runs)


def time_batch(
    predictor: Predictor, params: Tree, stats: Tree, batch_size: int, runs: int
) -> Timing:
    """Time the forward pass of a batch that all devices share.

    Args:
      batch_size: a multiple of the devices.
      runs: as for `time_one`.
    """
    images = jax.jit(
        lambda: jnp.zeros((batch_size, *_image_shape(predictor))),
        out_shardings=batch_sharded(predictor.mesh),
    )()
    return _time(predictor.forward, (params, stats, predictor.moments, images), runs)


def _image_shape(predictor: Predictor) -> tuple[int, int, int]:
    network = predictor.network
    return network.image_size, network.image_size, network.channels


def _time(program: Any, arguments: tuple[Any, ...], runs: int) -> Timing:
    compiled = program.lower(*arguments).compile()
    return Timing(time_runs(lambda: compiled(*arguments), runs), needed_bytes(compiled))


def time_runs(run: Callable[[], Any], runs: int) -> np.ndarray:
    """Time a program: seconds of each run after a warm-up, waiting for the device each time."""
    for _ in range(WARMUP_RUNS):
        last = _seconds(run)
    # Decided once for all processes: a run of a program that they share needs them all.
    affordable = decide(lambda: max(LEAST_RUNS, int(LONGEST_SECONDS / last)))
    return np.array([_seconds(run) for _ in range(min(runs, affordable))])


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - started


def needed_bytes(compiled: Any) -> int | None:
    """Add up what a compiled program needs on each device, from the compiler's own account.

    Args:
      compiled: from `jax.jit(...).lower(...).compile()`.

    Returns:
      Bytes of arguments, results and temporaries, or `None` where the compiler does not tell.
    """
    try:
        account = compiled.memory_analysis()
    except (NotImplementedError, jax.errors.JaxRuntimeError):  # what some back ends answer
        return None
    if account is None:
        return None
    shared = account.alias_size_in_bytes  # results that lie in the place of an argument
    return (
        account.argument_size_in_bytes
        + account.output_size_in_bytes
        + account.temp_size_in_bytes
        - shared
    )
