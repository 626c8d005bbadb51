"""What each way of fine-tuning in docs/finetuning.md takes: the whole call, and an epoch of it.

    python benchmarks/finetuning.py                        # resnet18, 500 drawn images of 64 px
    python benchmarks/finetuning.py --model resnet50 --size 224 --images 200

The images are drawn: how long it takes does not depend on what they show. One epoch from scratch
gives the weights that the others start from. A call loads the images, compiles, reads the weights,
trains, validates and writes checkpoints; the median epoch is of those after the first.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

import lqjax
from lqjax.runtime import device_name

CLASSES, CHANNELS, LEVELS = 2, 3, 256
SPLITS = {"train": 1, "val": 5, "test": 5}
"""Split of MedMNIST's layout -> how many times fewer images than asked for."""

WAYS: dict[str, dict[str, Any]] = {
    "all of it": {},
    "the head only": {"last_stages": 0},
    "the head only, images turned": {"last_stages": 0, "rotation": 10.0},
    "the head and the last two stages": {"last_stages": 2},
    "smaller steps further down": {"layer_decay": 0.5},
    "a stage more every two epochs": {"unfreeze_epochs": 2},
    "statistics as they are": {"batch_norm_statistics": "frozen"},
    "two extra fully connected layers": {"head_layers": (512, 256)},
}


def draw(path: Path, count: int, size: int) -> None:
    """Write images and labels in MedMNIST's layout."""
    random, arrays = np.random.default_rng(0), {}
    for split, share in SPLITS.items():
        shape = (max(1, count // share), size, size, CHANNELS)
        arrays[f"{split}_images"] = random.integers(LEVELS, size=shape, dtype=np.uint8)
        arrays[f"{split}_labels"] = random.integers(
            CLASSES, size=(len(arrays[f"{split}_images"]), 1)
        )
    np.savez(path, **arrays)


def epoch_seconds(workdir: Path) -> float:
    """Give the median time of the epochs after the first."""
    [log] = workdir.glob("runs/*/*/log.jsonl")
    records = [json.loads(line) for line in log.read_text().splitlines()]
    seconds = [record["epoch_seconds"] for record in records if "epoch_seconds" in record]
    return statistics.median(seconds[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--size", type=int, default=64, help="px")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    flags = parser.parse_args()
    logging.getLogger("lqjax").setLevel(logging.WARNING)
    cores = len(os.sched_getaffinity(0))
    print(
        f"{device_name()}, {cores} used, load {os.getloadavg()[0]:.1f}; jax {jax.__version__};"
        f" {flags.model}, {flags.images} images of {flags.size} px, batch {flags.batch},"
        f" {flags.epochs} epochs"
    )
    print("| way | the whole call, s | an epoch, s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        data, origin = Path(folder) / "drawn.npz", Path(folder) / "origin"
        draw(data, flags.images, flags.size)
        shared: dict[str, Any] = {
            "source": "npz", "path": str(data), "image_size": flags.size,
            "names": (flags.model,), "training_batch_size": flags.batch,
        }  # fmt: skip
        lqjax.train(workdir=origin, epochs=1, **shared)
        for number, (way, settings) in enumerate(WAYS.items()):
            workdir, began = Path(folder) / str(number), time.perf_counter()
            lqjax.train(
                workdir=workdir, epochs=flags.epochs, init_from=str(origin), **shared, **settings
            )
            whole = time.perf_counter() - began
            print(f"| {way} | {whole:.1f} | {epoch_seconds(workdir):.2f} |", flush=True)


if __name__ == "__main__":
    main()
