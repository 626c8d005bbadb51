"""The cost of a run as it is kept: measured on the device, read off its files and its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from etils import epath

from lqjax.config import Config
from lqjax.distributed import decide
from lqjax.evaluation.cost import Timing, time_batch, time_one
from lqjax.evaluation.predict import Predictor
from lqjax.rows import Cost, Throughput
from lqjax.runtime import device_name
from lqjax.training.reading import MODEL
from lqjax.typing import Tree
from lqjax.variants import network_of
from lqjax.workdir import Run

MILLISECONDS = 1e3
QUARTILES = (25, 50, 75)
TAIL = 95
"""Percent of the runs that stay below the tail of the latency."""

USUAL_BATCHES = (1, 8, 32)
"""Images; sizes beside `evaluation.batch_size` whose throughput is measured unless others are."""


@dataclass(frozen=True)
class Measured:
    """What is kept of the cost of a run: the record, and throughput by batch size."""

    cost: Cost
    throughputs: tuple[Throughput, ...]


def measure_cost(
    run: Run,
    predictor: Predictor,
    weights: tuple[Tree, Tree],
    checkpoint: epath.Path,
    config: Config,
) -> Measured:
    """Measure what a trained network costs; all processes that share the devices take part.

    Speed does not depend on the weights: of several seeds and folds the first is measured at every
    batch size, the others at 1 and at `evaluation.batch_size`.

    Args:
      weights: params and stats, on the devices.
      checkpoint: folder of the checkpoint that they come from.
      config: settings of the run's model.
    """
    settings, history = config.evaluation, run.history()
    one = time_one(predictor, *weights, settings.latency_runs)
    timings = {}
    for size in _batches(run, predictor, config):
        alone = size == 1 and predictor.mesh.size == 1
        runs = settings.latency_runs
        timings[size] = one if alone else time_batch(predictor, *weights, size, runs)
    throughputs = tuple(_throughput(run, size, timing) for size, timing in timings.items())
    usual = next(t for t in throughputs if t.batch_size == predictor.batch_size)
    cost = Cost(
        model=run.model,
        seed=run.seed,
        fold=run.fold,
        image_size=predictor.network.image_size,
        parameters=predictor.network.parameter_count(),
        multiply_adds=predictor.network.multiply_adds(),
        throughput=usual.images_per_second,
        throughput_low=usual.images_per_second_low,
        throughput_high=usual.images_per_second_high,
        batch_size=predictor.batch_size,
        training_seconds=sum(epoch.seconds for epoch in history),
        training_epochs=len(history),
        training_images_per_second=float(np.median([e.images_per_second for e in history])),
        training_images=history[-1].step * config.training.batch_size,
        device=device_name(),
        dtype=config.model.dtype,
        **_latency(one),
        **decide(lambda: _sizes(checkpoint)),
    )
    return Measured(cost, throughputs)


def _batches(run: Run, predictor: Predictor, config: Config) -> list[int]:
    wanted: Sequence[int] = ()
    first = config.variants(network_of(run.model))[0]
    if (run.model, run.seed, run.fold) == (first, config.seeds[0], config.folds[0]):
        wanted = config.evaluation.throughput_batches or USUAL_BATCHES
    devices = predictor.mesh.size
    shared = {-(-size // devices) * devices for size in wanted}  # up to what can be shared out
    return sorted({*shared, predictor.batch_size})


def _latency(timing: Timing) -> dict[str, Any]:
    low, middle, high, tail = (
        float(value) for value in MILLISECONDS * np.percentile(timing.seconds, (*QUARTILES, TAIL))
    )
    return {
        "latency_ms": middle,
        "latency_low_ms": low,
        "latency_high_ms": high,
        "latency_p95_ms": tail,
        "timed_runs": len(timing.seconds),
        "memory_bytes": timing.memory_bytes,
    }


def _throughput(run: Run, batch_size: int, timing: Timing) -> Throughput:
    low, middle, high = np.percentile(batch_size / timing.seconds, QUARTILES)
    return Throughput(
        model=run.model,
        seed=run.seed,
        fold=run.fold,
        batch_size=batch_size,
        images_per_second=float(middle),
        images_per_second_low=float(low),
        images_per_second_high=float(high),
        timed_runs=len(timing.seconds),
        memory_bytes=timing.memory_bytes,
    )


def _sizes(checkpoint: epath.Path) -> dict[str, int]:
    return {
        "weights_bytes": stored_bytes(checkpoint / MODEL),
        "checkpoint_bytes": stored_bytes(checkpoint),
    }


def stored_bytes(folder: epath.Path) -> int:
    """Add up the sizes of all files below a folder, in bytes."""
    return sum(
        stored_bytes(path) if path.is_dir() else path.stat().length for path in folder.iterdir()
    )
