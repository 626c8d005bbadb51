"""Measure what the grid of conditions costs over the bare forward passes.

    python benchmarks/evaluation.py
    python benchmarks/evaluation.py --models resnet50 --conditions "imagenet_c/*@3" --images 240

The sides take turns, condition by condition, over the same images in the same batches:

bare          the forward passes over images that lie ready on the device, logits copied to the host
degradations  nothing but degrading those images
grid, first   what an evaluation does: degrade, classify, measure PSNR and SSIM, all metrics, files
grid, later   the same for every further network or seed, which finds PSNR and SSIM measured

Ratios are those of the medians over turns of the sum over conditions. The machinery is what is left
of the grid without the forward passes and without the degradations.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jaxlib
import numpy as np
from degradations import pictures

from lqjax.data.placing import place
from lqjax.evaluation.grid import Grid
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.damage import Damage
from lqjax.models.network import build
from lqjax.progress import Progress
from lqjax.runtime import device_name, make_mesh, read
from lqjax.typing import Split
from lqjax.workdir import Workdir

CLASSES, CHANNELS, SEED = 10, 3, 0
MODELS = ("alexnet_one_tower", "resnet18", "resnet50")
WARM_UP = 1
BARE, DEGRADATIONS, FIRST, LATER = "bare", "degradations", "grid, first", "grid, later"

Sides = dict[str, Callable[[Condition], None]]


def make_split(images: int, size: int) -> Split:
    labels = np.arange(images, dtype=np.int32) % CLASSES
    ids = np.array([f"test/{number}" for number in range(images)])
    return Split(pictures(images, size), labels, ids)


def make_sides(model: str, split: Split, batch: int, folder: Path) -> Sides:
    """Prepare all sides for one network."""
    size, mesh = split.images.shape[1], make_mesh(1)
    network = build(model, num_classes=CLASSES, channels=CHANNELS, image_size=size)
    normal = np.full(CHANNELS, 0.5, np.float32), np.full(CHANNELS, 0.25, np.float32)
    predictor, weights = Predictor(network, normal, batch, mesh), network.init(SEED)
    placed = place(split, mesh, "device", 1.0)
    rows = np.arange(len(split)).reshape(-1, batch)
    ready = [
        (as_floats(images, numbers), numbers) for images, _, numbers, _ in placed.batches(rows)
    ]
    known: dict[str, Damage] = {}
    numbers_of_runs = itertools.count()

    def bare(condition: Condition) -> None:
        read([predictor.forward(*weights, predictor.moments, images) for images, _ in ready])

    def degrade(condition: Condition) -> None:
        jax.block_until_ready(
            [apply_condition(condition, images, numbers, SEED) for images, numbers in ready]
        )

    def grid(condition: Condition, damages: dict[str, Damage]) -> None:
        run = Workdir.at(folder / str(next(numbers_of_runs))).run(model, SEED)
        made = Grid("made", split, placed, (condition,), SEED, damages)
        made.evaluate(predictor, *weights, run, Progress())

    return {
        BARE: bare,
        DEGRADATIONS: degrade,
        FIRST: lambda condition: grid(condition, {}),
        LATER: lambda condition: grid(condition, known),
    }


Times = dict[str, dict[str, list[float]]]
"""Seconds by side and condition, one for each turn."""


def measure(sides: Sides, conditions: Sequence[Condition], turns: int) -> Times:
    found: Times = {side: {c.name: [] for c in conditions} for side in sides}
    for turn in range(WARM_UP + turns):
        for condition in conditions:
            for side, run in sides.items():
                began = time.perf_counter()
                run(condition)
                if turn >= WARM_UP:
                    found[side][condition.name].append(time.perf_counter() - began)
    return found


def totals(times: Times, side: str) -> list[float]:
    """Sum over the conditions, turn by turn."""
    return [sum(turn) for turn in zip(*times[side].values(), strict=True)]


def table(results: dict[str, Times], images: int) -> str:
    lines = [
        "| network | bare, ms an image | degradations | grid, first network | machinery of it"
        " | grid, later networks | machinery of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, times in results.items():
        passes = images * len(times[BARE])
        middle = {side: statistics.median(totals(times, side)) for side in times}
        cells = [_milliseconds([t / passes for t in totals(times, BARE)])]
        cells.append(_share(middle[DEGRADATIONS] / middle[BARE]))
        for side in (FIRST, LATER):
            ratios = [a / b for a, b in zip(totals(times, side), totals(times, BARE), strict=True)]
            over = middle[side] / middle[BARE] - 1
            ends = f"({_share(min(ratios) - 1)} to {_share(max(ratios) - 1)})"
            cells.append(f"{_share(over)} {ends}")
            cells.append(_share(over - middle[DEGRADATIONS] / middle[BARE]))
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def by_condition(times: Times, images: int) -> str:
    """Tabulate medians by condition, in ms an image."""
    lines = [f"| condition | {' | '.join(times)} |", "|---|" + "---|" * len(times)]
    for condition in times[BARE]:
        medians = (statistics.median(times[side][condition]) / images for side in times)
        lines.append(f"| {condition} | {' | '.join(f'{1e3 * m:.2f}' for m in medians)} |")
    return "\n".join(lines)


def _milliseconds(seconds: Sequence[float]) -> str:
    middle, ends = statistics.median(seconds), (min(seconds), max(seconds))
    return f"{1e3 * middle:.2f} ({1e3 * ends[0]:.2f} to {1e3 * ends[1]:.2f})"


def _share(value: float) -> str:
    return f"{100 * value:+.0f} %"


def _cores() -> int:
    """Count the cores that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(usable(0)) if usable else os.cpu_count() or 1


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--conditions", default="low_quality/*", help="conditions and patterns")
    parser.add_argument("--size", type=int, default=64, help="px")
    parser.add_argument("--images", type=int, default=120, help="a multiple of the batch")
    parser.add_argument("--batch", type=int, default=120)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--details", action="store_true", help="also condition by condition")
    parser.add_argument("--json", type=Path, help="also write all seconds here")
    flags = parser.parse_args()
    if flags.images % flags.batch:
        parser.error(f"--images={flags.images} is no multiple of --batch={flags.batch}")
    return flags


def main() -> None:
    flags = read_flags()
    conditions = expand(flags.conditions)
    split = make_split(flags.images, flags.size)
    print(
        f"{device_name()}, {_cores()} used, load {os.getloadavg()[0]:.1f};"
        f" Python {platform.python_version()}, jax {jax.__version__}, jaxlib {jaxlib.__version__};"
        f" {flags.images} images of {flags.size} px, batch {flags.batch}, {len(conditions)}"
        f" conditions ({flags.conditions}), {flags.turns} turns: medians (ranges)"
    )
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for model in flags.models.split(","):
            sides = make_sides(model, split, flags.batch, Path(folder))
            results[model] = measure(sides, conditions, flags.turns)
    print(table(results, flags.images))
    if flags.details:
        for model, times in results.items():
            print(f"\n{model}, ms an image\n{by_condition(times, flags.images)}")
    if flags.json:
        flags.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
