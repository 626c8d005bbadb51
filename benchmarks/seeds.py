"""Compare seeds, or seeds of several folds, trained as one program with the same in turn.

    python benchmarks/seeds.py
    python benchmarks/seeds.py --folds 5 --seeds 1
    python benchmarks/seeds.py --models resnet50 --seeds 8 --size 64 --json seeds.json

Both sides make the same real training steps from resident images, and take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.config import Config
from lqjax.data.resident import Resident
from lqjax.models.network import build, choose_stem
from lqjax.optim.building import build_optimizer, build_schedule
from lqjax.overriding import from_arguments
from lqjax.runtime import device_name, make_mesh, replicated
from lqjax.settings import replace_at
from lqjax.training.dispatch import Dispatcher, steps_per_dispatch
from lqjax.training.loss import make_loss
from lqjax.training.position import stacked
from lqjax.training.scales import Scales, make_scales
from lqjax.training.state import create_state
from lqjax.training.step import make_preparation, make_update
from lqjax.typing import Split

CLASSES = 10
WARM_UP = 1


def sides(
    name: str, size: int, batch: int, folds: int, seeds: int, dtype: str
) -> tuple[Callable[[], Any], Callable[[], Any], int]:
    """Make one dispatch of every run, in turn and as one program; and its number of steps."""
    settings = from_arguments(Config(), {"training_batch_size": batch, "schedule_name": "constant"})
    steps = steps_per_dispatch(0)
    random = np.random.default_rng(0)
    runs = [(fold, seed) for fold in range(folds) for seed in range(seeds)]
    tested = -(-batch * steps // max(folds - 1, 1)) if folds > 1 else 0
    count = batch * steps + tested
    data = Split(
        random.integers(0, 256, (count, size, size, 1), dtype=np.uint8),
        (np.arange(count) % CLASSES).astype(np.int32),
        np.array([f"train/{i}" for i in range(count)]),
    )
    stem = choose_stem(size)
    network = build(name, num_classes=CLASSES, channels=1, image_size=size, stem=stem, dtype=dtype)
    mesh = make_mesh(1)
    optimizer = build_optimizer(settings, build_schedule(settings, steps, steps))
    prepare = make_preparation(settings.augmentation, CLASSES)
    update = make_update(network, optimizer, settings, prepare, make_loss(settings.training))
    dispatcher = Dispatcher(update, Resident(data, mesh), mesh, steps, batch, steps)

    def started(seed: int) -> Any:
        return create_state(network, optimizer, replace_at(settings, "run.seed", seed), mesh)

    def of_fold(fold: int) -> tuple[np.ndarray, Scales]:
        rows = np.setdiff1d(np.arange(count), np.arange(fold * tested, (fold + 1) * tested))
        moments = np.full(1, 0.5 + fold / 100, np.float32), np.full(1, 0.25, np.float32)
        return rows[: batch * steps], make_scales(moments, np.ones(CLASSES), mesh)

    states = [started(seed) for _, seed in runs]
    joint = [stacked([started(seed) for _, seed in runs])]
    whole = replicated(mesh)
    one, all_of_them = (
        jax.device_put(jnp.ones(shape, jnp.float32), whole) for shape in ((), (len(runs),))
    )
    orders, scales = zip(*(of_fold(fold) for fold, _ in runs), strict=True)
    alone = [
        next(dispatcher.dispatches(order, 0, own))
        for order, own in zip(orders, scales, strict=True)
    ]
    (together,) = dispatcher.of_several(len(runs)).dispatches(np.stack(orders), 0, stacked(scales))

    def in_turn() -> None:
        for number, dispatch in enumerate(alone):
            states[number], _ = dispatch.run(states[number], one)
        jax.block_until_ready(states)

    def as_one() -> None:
        joint[0], _ = together.run(joint[0], all_of_them)
        jax.block_until_ready(joint)

    return in_turn, as_one, steps


def seconds_of(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="resnet18,alexnet_one_tower")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    flags = parser.parse_args()
    facts = {
        "device": device_name(), "jax": jax.__version__, "load": os.getloadavg()[0],
        **{name: value for name, value in vars(flags).items() if name not in ("models", "json")},
    }  # fmt: skip
    print(" ".join(f"{name}={value}" for name, value in facts.items()))
    print("| network | in turn, images/s | as one program, images/s | ratio of medians |")
    print("|---|---|---|---|")
    rows = []
    for name in flags.models.split(","):
        how = flags.size, flags.batch, flags.folds, flags.seeds, flags.dtype
        in_turn, as_one, steps = sides(name, *how)
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(WARM_UP + flags.turns):
            for work, kept in zip((in_turn, as_one), times, strict=True):
                took = seconds_of(work)
                if turn >= WARM_UP:
                    kept.append(took)
        images = flags.folds * flags.seeds * flags.batch * steps
        rates = [images / statistics.median(kept) for kept in times]
        spans = [(images / max(kept), images / min(kept)) for kept in times]
        shown = [
            f"{r:.0f} ({low:.0f} to {high:.0f})"
            for r, (low, high) in zip(rates, spans, strict=True)
        ]
        print(f"| {name} | {shown[0]} | {shown[1]} | {rates[1] / rates[0]:.2f} |", flush=True)
        rows.append({"model": name, "in_turn": rates[0], "together": rates[1], "spans": spans})
    if flags.json:
        flags.json.write_text(json.dumps({"environment": facts, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
