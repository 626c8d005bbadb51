"""What pretraining is worth on few images: a network from scratch, its head, and all of it tuned.

    python benchmarks/transfer.py --source=FOLDER --target=FILE.npz --workdir=DIR

The network is trained on the pictures of FOLDER (one folder a class, with train and test above),
and then on a few of FILE.npz (MedMNIST's layout), with several seeds each way. All of it goes on
where it was stopped. Prints a table; --figure writes the same as a picture.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import lqjax
from lqjax.rows import Row

CLEAN = "clean"
SHARED = {
    "image_size": 64, "training_batch_size": 16, "optimizer_name": "adamw", "weight_decay": 1e-4,
    "conditions": (CLEAN, "low_quality/*@medium"), "evaluation_batch_size": 104,
    "checkpoint": "best", "latency_runs": 1, "throughput_batches": (1,), "show_images": False,
}  # fmt: skip
PRETRAINING: dict[str, Any] = {
    "image_size": 64, "training_batch_size": 64, "optimizer_name": "adamw", "learning_rate": 1e-3,
    "weight_decay": 5e-4, "schedule_name": "one_cycle", "crop_padding": 4, "flip": True,
}  # fmt: skip
MOVED = {"flip": True, "rotation": 10.0}
WAYS: dict[str, tuple[bool, dict[str, Any]]] = {
    "from scratch": (False, {"learning_rate": 1e-3, **MOVED}),
    "head only": (True, {"learning_rate": 3e-3, "last_stages": 0}),
    "all stages": (True, {"learning_rate": 3e-4, "layer_decay": 0.7, **MOVED}),
}
"""Name -> whether it starts from the pretrained weights, and its settings, chosen beforehand."""

COLOURS = {"from scratch": "#767676", "head only": "#d95f02", "all stages": "#1b6ca8"}


def pretrain(arguments: argparse.Namespace) -> Path:
    """Train on the source, without testing."""
    workdir = Path(arguments.workdir) / "pretrained"
    lqjax.train(
        workdir=workdir, source="folder", path=arguments.source, names=(arguments.model,),
        train_limit=arguments.pretrain_images, epochs=arguments.pretrain_epochs, **PRETRAINING,
    )  # fmt: skip
    return workdir


def tune(arguments: argparse.Namespace, origin: Path, way: str, count: int) -> Sequence[Row]:
    """Train one way on so many images of the target, and test every seed."""
    starts, own = WAYS[way]
    workdir = Path(arguments.workdir) / f"{way.replace(' ', '-')}-{count}"
    settings = {
        **SHARED, **own, "source": "npz", "path": arguments.target, "names": (arguments.model,),
        "train_limit": count, "epochs": arguments.epochs, "seeds": tuple(range(arguments.seeds)),
        "init_from": str(origin) if starts else "",
    }  # fmt: skip
    lqjax.train(workdir=workdir, **settings)
    return lqjax.evaluate(workdir=workdir).rows


def by_seed(rows: Sequence[Row], clean: bool) -> np.ndarray:
    """Give the accuracy of each seed: on clean images, or the mean over the degraded ones."""
    seeds = sorted({row.seed for row in rows})
    return np.array(
        [
            np.mean(
                [r.accuracy for r in rows if r.seed == seed and (r.condition == CLEAN) == clean]
            )
            for seed in seeds
        ]
    )


def draw(found: dict[tuple[str, int], Sequence[Row]], path: str) -> None:
    """Draw a point a seed and a bar at the mean, for clean and degraded images."""
    counts = sorted({count for _, count in found})
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    for axes, clean in zip(figure.subplots(1, 2, sharey=True), (True, False), strict=True):
        for place, way in enumerate(WAYS):
            for number, count in enumerate(counts):
                x = number + 0.22 * (place - 1)
                shares = 100 * by_seed(found[way, count], clean)
                axes.plot([x] * len(shares), shares, "o", ms=4, color=COLOURS[way], alpha=0.6)
                axes.plot(
                    [x - 0.08, x + 0.08], [shares.mean()] * 2, lw=2.5, color=COLOURS[way],
                    label=way if not number else None,
                )  # fmt: skip
        axes.set_xticks(range(len(counts)), [f"{count} films" for count in counts])
        axes.set_title("clean" if clean else "mean of the degraded conditions", fontsize=10)
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("test accuracy, %")
    figure.axes[1].legend(frameon=False, fontsize=9, loc="upper left")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True, help="folder with a folder of pictures a class")
    parser.add_argument("--target", required=True, help="npz file in MedMNIST's layout")
    parser.add_argument("--workdir", required=True, help="where everything is kept")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--counts", default="100,500", help="images of the target, by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--pretrain_images", type=int, default=20_000)
    parser.add_argument("--pretrain_epochs", type=int, default=4)
    parser.add_argument("--figure", default="", help="also draw it here (.png)")
    arguments = parser.parse_args()
    logging.getLogger("lqjax").setLevel(logging.WARNING)
    origin, found = pretrain(arguments), {}
    counts = [int(count) for count in arguments.counts.split(",")]
    print("| training | images | clean, % | degraded, % |\n|---|---|---|---|")
    for count in counts:
        for way in WAYS:
            rows = found[way, count] = tune(arguments, origin, way, count)
            cells = [
                f"{100 * made.mean():.1f} ± {100 * made.std(ddof=1):.1f}"
                for made in (by_seed(rows, clean=True), by_seed(rows, clean=False))
            ]
            print(f"| {way} | {count} | {' | '.join(cells)} |", flush=True)
    if arguments.figure:
        draw(found, arguments.figure)


if __name__ == "__main__":
    main()
