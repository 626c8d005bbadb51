"""All runs of a network: each learning rate on each fold with each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from lqjax.diverging import has_diverged
from lqjax.progress import Progress
from lqjax.rows import Epoch
from lqjax.training.dispatch import unheeded_steps
from lqjax.training.loop import Trainer
from lqjax.training.programs import programs
from lqjax.training.seeds import train_seeds
from lqjax.training.stages import keeps_features
from lqjax.workbench import Workbench
from lqjax.workdir import Run


def _start(bench: Workbench, progress: Progress, run: Run) -> Mapping[str, np.ndarray]:
    """Read what a run that has not begun starts from, and say so."""
    origin = bench.origin(run)
    for line in origin.lines:
        progress.say(line)
    return origin.arrays


def train_network(
    benches: Sequence[Workbench], model: str, progress: Progress, writers: Sequence[Any] = ()
) -> list[tuple[Run, list[Epoch]]]:
    """Train all runs of a network, or go on where that stopped.

    A run that diverged among several learning rates, now or in an earlier call, is left out.

    Args:
      benches: of all folds, from `lqjax.workbench.workbenches`.
      model: name of the network.

    Returns:
      Each run that did not diverge, with its history.
    """
    first = benches[0]
    for bench in benches:
        bench.write_recipes(model)
    for line in first.describe_network(model):
        progress.say(line)
    names = first.config.variants(model)
    runs = [run for bench in benches for run in bench.runs(model)]
    runs = [run for run in runs if not has_diverged(run)]
    runs.sort(key=lambda run: names.index(run.model))
    trained: list[tuple[Run, list[Epoch]]] = []
    for config, sharing in programs(first.config, runs, progress.say) if runs else ():
        images, _ = first.stock.training(first.fold)
        network = first.network(model)
        unheeded = unheeded_steps(config.training.steps_per_dispatch, images)
        if unheeded and not keeps_features(network, config):  # features are small wherever they are
            progress.say(f"{model}: {unheeded}")
        materials = {bench.fold: bench.material(config) for bench in benches}
        trainer = Trainer(
            network,
            config,
            sharing[0],
            images,
            materials,
            first.mesh,
            writers,
            partial(_start, first, progress),
        )
        trained += zip(sharing, train_seeds(trainer, sharing, progress), strict=True)
    return [(run, history) for run, history in trained if not has_diverged(run)]
