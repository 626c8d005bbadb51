"""What a forward pass costs on the device at hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.compiling import jit
from lqjax.evaluation.predict import Predictor
from lqjax.runtime import batch_sharded, read
from lqjax.typing import Tree

WARMUP_RUNS = 2
MILLISECONDS = 1e3
QUARTILES = (25, 50, 75)


def time_runs(run: Callable[[], Any], runs: int) -> np.ndarray:
    """Time a program: seconds of each run after a warm-up, waiting for the device each time."""
    for _ in range(WARMUP_RUNS):
        jax.block_until_ready(run())
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - started)
    return np.array(seconds)


def forward_cost(predictor: Predictor, params: Tree, stats: Tree, runs: int) -> dict[str, float]:
    """Measure latency of one image on one device and throughput of a batch on all.

    Where several processes share the devices each one measures, and all have to take part.

    Returns:
      The latency and throughput fields of `lqjax.rows.Cost`: medians and quartiles.
    """
    network = predictor.network
    shape = (network.image_size, network.image_size, network.channels)
    mine = [d for d in predictor.mesh.devices.flat if d.process_index == jax.process_index()]
    one = jax.device_put((*read((params, stats)), jnp.zeros((1, *shape))), mine[0])
    single = jit(predictor.function)
    latencies = time_runs(lambda: single(*one), runs)
    many = jax.jit(
        lambda: jnp.zeros((predictor.batch_size, *shape)),
        out_shardings=batch_sharded(predictor.mesh),
    )()
    seconds = time_runs(lambda: predictor.forward(params, stats, many), runs)
    low, middle, high = np.percentile(latencies, QUARTILES)
    slow, usual, fast = np.percentile(predictor.batch_size / seconds, QUARTILES)
    return {
        "latency_ms": float(MILLISECONDS * middle),
        "latency_low_ms": float(MILLISECONDS * low),
        "latency_high_ms": float(MILLISECONDS * high),
        "throughput": float(usual),
        "throughput_low": float(slow),
        "throughput_high": float(fast),
    }
