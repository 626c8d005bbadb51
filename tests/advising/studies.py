"""Studies made by hand: which image each run answers rightly under each condition."""

from types import SimpleNamespace

import numpy as np

from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import Network, Study
from lqjax.reporting.tested import Tested
from lqjax.rows import Cost, Epoch

LEVELLED = (0.9, 0.98, 0.985, 0.988)


def condition(name):
    family, _, level = name.rpartition("@")
    return Condition(name, family or name, level, family or name, "")


def cost(model, latency, memory=None):
    return Cost(
        model=model, seed=0, fold=0, image_size=64, parameters=1, multiply_adds=1,
        latency_ms=latency, latency_low_ms=latency, latency_high_ms=latency, throughput=1,
        throughput_low=1, throughput_high=1, batch_size=1, timed_runs=1, training_seconds=1,
        training_epochs=1, training_images_per_second=1, device="cpu", dtype="float32",
        memory_bytes=None if memory is None else int(memory * 2**20),
    )  # fmt: skip


def study_of(right, costs=None, groups=None, folds=1, histories=None):
    """Build a study of two classes.

    Args:
      right: per model and condition an array (seeds, images) or (images,) of right answers.
      folds: the images are shared out over so many folds, one after the other.
    """
    images = np.asarray(next(iter(next(iter(right.values())).values()))).shape[-1]
    labels = (np.arange(images) % 2).astype(np.int32)
    rows = dict(enumerate(np.array_split(np.arange(images), folds)))
    networks = {}
    for model, found in right.items():
        arrays = {name: np.atleast_2d(np.asarray(values, bool)) for name, values in found.items()}
        seeds = len(next(iter(arrays.values())))
        networks[model] = [
            Network(
                model=model,
                seed=seed,
                fold=fold,
                rows={
                    name: SimpleNamespace(accuracy=values[seed][part].mean())
                    for name, values in arrays.items()
                },
                predicted={
                    name: np.where(values[seed], labels, 1 - labels)[part]
                    for name, values in arrays.items()
                },
                history=[
                    epoch(model, i, a) for i, a in enumerate((histories or {}).get(model, ()))
                ],
                cost=(costs or {}).get(model),
            )
            for seed in range(seeds)
            for fold, part in rows.items()
        ]
    names = dict.fromkeys(name for found in right.values() for name in found)
    tested = Tested(labels, ("no", "yes"), rows, None if groups is None else np.asarray(groups))
    return Study(networks, tuple(condition(name) for name in names), tested)


def epoch(model, number, accuracy):
    return Epoch(
        model=model, seed=0, fold=0, epoch=number + 1, step=number, learning_rate=1e-3,
        train_loss=1.0, train_accuracy=accuracy, validation_loss=1.0, validation_accuracy=accuracy,
        images_per_second=1.0, seconds=1.0,
    )  # fmt: skip
