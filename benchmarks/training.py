"""Compare training and inference with PyTorch: both sides in one process, on the same device.

    python benchmarks/training.py                       # 64 px, batch 64, float32
    python benchmarks/training.py --full --json speed.json
    python benchmarks/training.py --models resnet50 --sizes 224 --batches 256 --dtypes bfloat16
    python benchmarks/training.py --only degradation

The sides take turns, so that a disturbance hits both; a turn is one batch on a CPU and as many as
lqjax hands to the device at once on an accelerator. PyTorch runs eagerly on a CPU and through
`torch.compile` on a GPU, with channels-last tensors and, for bfloat16, autocast. Memory is the peak
of two turns of training in a process of their own: of the device where it keeps count, otherwise
what the process grew by. The last lines compare lqjax with itself: what it adds to a step to
degrade its batch with a condition of low_quality/*, each of them as often.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import degradation_share
import jax
import jaxlib
import training_sides
from training_sides import Cell, Side, seconds

from lqjax.compiling import compile_options

try:
    import torch
    import torch_networks
    import torch_side
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}: this compares with PyTorch; pip install torch") from None

FULL = {
    "cpu": {32: (64,), 64: (16, 64), 224: (8,)},
    "accelerator": {32: (256, 1024), 64: (256, 1024), 224: (64, 256)},
}
"""Image side in pixels -> batch sizes; a CPU is spared the largest batches."""
DTYPES = ("float32", "bfloat16")
PARTS = SPEED, DEGRADATION = "speed", "degradation"
WARM_UP = 2
KIBIBYTE, MEBIBYTE = 2**10, 2**20
LAYOUT = "{:18} {:>4} {:>5} {:9} {:13} {:25} {:25} {:>6} {:>15} {:>13}"
HEADER = ("network", "px", "batch", "dtype", "step", "lqjax images/s (range)",
          "PyTorch images/s (range)", "ratio", "first turn, s", "peak, MiB")  # fmt: skip


@dataclass(frozen=True)
class Speed:
    """Images per second of one side: median and range of its turns; how long its first took."""

    median: float
    low: float
    high: float
    first_seconds: float
    peak_mebibytes: float | None = None

    def __str__(self) -> str:
        return f"{self.median:8.1f} ({self.low:.1f}-{self.high:.1f})"


@dataclass(frozen=True)
class Row:
    """One cell and kind of step. `ratio` is that of the medians; `why` says what is missing."""

    cell: Cell
    step: str
    turns: int
    lqjax: Speed | None = None
    torch: Speed | None = None
    ratio: float | None = None
    why: str = ""


def in_turn(programs: list[Callable[[], None]], cell: Cell, turns: int) -> list[Speed]:
    """Time programs turn by turn."""
    firsts = [seconds(program) for program in programs]
    times: list[list[float]] = [[] for _ in programs]
    for number in range(WARM_UP + turns):
        for program, results in zip(programs, times, strict=True):
            took = seconds(program)
            if number >= WARM_UP:
                results.append(took)
    images = cell.batch * training_sides.steps_of_a_turn()
    rates = [[images / took for took in results] for results in times]
    return [
        Speed(statistics.median(rate), min(rate), max(rate), first)
        for rate, first in zip(rates, firsts, strict=True)
    ]


def compare(cell: Cell, turns: int, with_memory: bool) -> Iterator[Row]:
    """Measure training and inference of one cell on both sides."""
    device = torch_side.torch_device()
    why = "" if device else f"this PyTorch has no {jax.default_backend()}"
    sides = [training_sides.our_side(cell)]
    if device:
        sides.append(torch_side.torch_side(cell, device))
    for step in ("train", "infer"):
        speeds = in_turn([getattr(side, step) for side in sides], cell, turns)
        if step == "train" and with_memory:
            speeds = [
                replace(speed, peak_mebibytes=peak_elsewhere(cell, side.name))
                for speed, side in zip(speeds, sides, strict=True)
            ]
        ours, theirs = speeds[0], speeds[1] if device else None
        ratio = ours.median / theirs.median if theirs else None
        yield Row(cell, step, turns, ours, theirs, ratio, why)


def peak_elsewhere(cell: Cell, side: str) -> float | None:
    """Measure the peak memory of one side in a process of its own, in MiB."""
    command = [sys.executable, __file__, "--peak-of", side, "--cell", json.dumps(asdict(cell))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def peak_here(cell: Cell, name: str) -> float:
    """Train for two turns; give the peak of the device, or the growth of this process, in MiB."""
    device = torch_side.torch_device()
    jax.block_until_ready(jax.numpy.zeros(()))
    before = peak_resident()
    side: Side = (
        torch_side.torch_side(cell, device)
        if name == "torch" and device
        else training_sides.our_side(cell)
    )
    for _ in range(2):
        side.train()
    if jax.default_backend() == "cpu":
        return peak_resident() - before
    if name == "torch":
        return torch.cuda.max_memory_reserved() / MEBIBYTE
    return jax.devices()[0].memory_stats()["peak_bytes_in_use"] / MEBIBYTE


def peak_resident() -> float:
    """Read how much memory this process has held at most, in MiB (Linux)."""
    # Not getrusage: after a fork it still counts what the parent held.
    [peak] = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak) * KIBIBYTE / MEBIBYTE


def environment() -> dict[str, object]:
    """Say on what and with what it was measured."""
    return {
        "device": jax.devices()[0].device_kind, "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0], "python": platform.python_version(), "jax": jax.__version__,
        "jaxlib": jaxlib.__version__, "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(), "compiler_options": compile_options(),
        "steps_of_a_turn": training_sides.steps_of_a_turn(),
    }  # fmt: skip


def line(row: Row) -> str:
    sides = [side for side in (row.lqjax, row.torch) if side]
    peaks = [f"{side.peak_mebibytes:.0f}" for side in sides if side.peak_mebibytes is not None]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    firsts = " / ".join(f"{side.first_seconds:.1f}" for side in sides)
    cell = row.cell
    return LAYOUT.format(
        cell.model, cell.size, cell.batch, cell.dtype, row.step, str(row.lqjax or ""),
        str(row.torch or row.why), ratio, firsts, " / ".join(peaks),
    )  # fmt: skip


def cells(flags: argparse.Namespace) -> list[Cell]:
    """List what the flags ask for.

    Raises:
      ValueError: lqjax refuses a network of that size.
    """
    if flags.full:
        grid = FULL["cpu" if jax.default_backend() == "cpu" else "accelerator"]
        pairs = [(size, batch) for size, batches in grid.items() for batch in batches]
    else:
        pairs = [(size, batch) for size in flags.sizes for batch in flags.batches]
    dtypes = DTYPES if flags.full else flags.dtypes
    found = [Cell(m, *pair, dtype) for dtype in dtypes for pair in pairs for m in flags.models]
    for cell in found:
        training_sides.network_of(cell)
    return found


def degraded_cells(asked: list[Cell]) -> list[Cell]:
    """Choose where the share of degradation is measured; on a CPU, once for each network."""
    models = {cell.model for cell in asked}
    models = models & set(degradation_share.NETWORKS) or models
    chosen = [cell for cell in asked if cell.model in models]
    if jax.default_backend() != "cpu":
        return chosen
    return list({cell.model: cell for cell in reversed(chosen)}.values())[::-1]


def names(text: str, allowed: tuple[str, ...]) -> list[str]:
    for name in text.split(","):
        if name not in allowed:
            raise ValueError(f"{name!r}: choose from {', '.join(allowed)}")
    return text.split(",")


def counts(text: str) -> list[int]:
    for number in text.split(","):
        if not number.isdecimal() or not int(number):
            raise ValueError(f"{number!r}: must be whole numbers from 1, by commas, as in 64,128")
    return [int(number) for number in text.split(",")]


READERS = {
    "models": partial(names, allowed=torch_networks.NAMES),
    "dtypes": partial(names, allowed=DTYPES),
    "sizes": counts,
    "batches": counts,
}
"""Flag -> what reads its text, or raises a `ValueError` that says what is allowed."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(torch_networks.NAMES), help="names, by commas")
    parser.add_argument("--sizes", default="64", help="image sides in pixels, by commas")
    parser.add_argument("--batches", default="64", help="batch sizes, by commas")
    parser.add_argument("--dtypes", default="float32", help=f"by commas, of {', '.join(DTYPES)}")
    parser.add_argument("--full", action="store_true", help="32, 64 and 224 px, both dtypes")
    parser.add_argument("--turns", type=int, default=8, help="timed turns of each side")
    parser.add_argument("--rounds", type=int, default=3, help="timed turns of each degradation")
    parser.add_argument("--only", choices=PARTS, help="leave the other part out")
    parser.add_argument("--without-memory", action="store_true", help="leave the peaks out")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--peak-of", choices=("lqjax", "torch"), help=argparse.SUPPRESS)
    parser.add_argument("--cell", type=json.loads, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    for name, read in READERS.items():
        try:
            setattr(flags, name, read(getattr(flags, name)))
        except ValueError as error:
            raise SystemExit(f"--{name}: {error}") from None
    for name in ("turns", "rounds"):
        if getattr(flags, name) < 1:
            raise SystemExit(f"--{name}={getattr(flags, name)}: must be at least 1")
    return flags


def main() -> None:
    flags = arguments()
    compile_options()  # before the backend starts, as in training: it decides on its thread
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if flags.peak_of:
        print(peak_here(Cell(**flags.cell), flags.peak_of))
        return
    try:
        asked = cells(flags)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    facts = environment()
    print(" ".join(f"{name}={value}" for name, value in facts.items()))
    rows, shares = [], []
    if flags.only != DEGRADATION:
        print(LAYOUT.format(*HEADER))
        for cell in asked:
            for row in compare(cell, flags.turns, not flags.without_memory):
                print(line(row), flush=True)
                rows.append(asdict(row))
    for cell in degraded_cells(asked) if flags.only != SPEED else []:
        share = degradation_share.share_of_degradation(cell, flags.rounds)
        print(share, flush=True)
        shares.append(asdict(share))
    if flags.json:
        written = {"environment": facts, "rows": rows, "degradation": shares}
        flags.json.write_text(json.dumps(written, indent=1))


if __name__ == "__main__":
    main()
