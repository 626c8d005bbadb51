"""Rates of streaming: how fast batches come from a memory-mapped file, against memory and devices.

python benchmarks/streaming.py                    # 64 and 224 px, 1 GB each, from the page cache
python benchmarks/streaming.py --gigabytes=200 --folder=/local/disk    # larger than memory

Training on a GPU needs up to 7,500 images/s at 224 px (ResNet-50), that is 1.1 GB/s.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

from lqjax.data.normalisation import level_counts
from lqjax.data.order import epoch_order
from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.runtime import device_name, make_mesh
from lqjax.typing import Split

SIZES = (64, 224)
REPEATS = 5
GIGA = 1e9


def make_file(path: Path, size: int, gigabytes: float) -> np.ndarray:
    """Fill a file with noise; every image differs from its neighbours."""
    count = int(gigabytes * GIGA) // (size * size * 3)
    block = np.random.default_rng(0).integers(0, 256, (64, size, size, 3), np.uint8)
    with path.open("wb") as file:
        for start in range(0, count, len(block)):
            file.write(block[: count - start].tobytes())
    return np.memmap(path, np.uint8, "r", shape=(count, size, size, 3))


def rate(batches: Callable[[list[np.ndarray]], Iterator], rows: list[np.ndarray]) -> float:
    """Draw all batches and wait for the last; images/s."""
    begin = time.perf_counter()
    for batch in batches(rows):
        jax.block_until_ready(batch)
    return sum(map(len, rows)) / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--folder", default=None, help="where the file is made")
    parser.add_argument("--batch", type=int, default=256)
    options = parser.parse_args()
    mesh = make_mesh(1)
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
            images = make_file(Path(scratch) / "images", size, options.gigabytes)
            count = len(images)
            ids = np.arange(count).astype(str)
            split = Split(images, np.zeros(count, np.int32), ids)
            in_memory = Split(np.array(images), split.labels, ids)
            order = epoch_order(0, 0, count)
            rows = [
                order[i : i + options.batch] for i in range(0, count - options.batch, options.batch)
            ]
            ways = {
                "streamed from a file": Streamed(split, mesh),
                "streamed from memory": Streamed(in_memory, mesh),
                "resident": Resident(split, mesh),
            }
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(REPEATS + 1):  # the sides take turns; the first turn is a warm-up
                for name, placed in ways.items():
                    rates[name].append(rate(placed.batches, rows))
            for name, found in rates.items():
                middle = statistics.median(found[1:])
                print(
                    f"{size:4} px {name:>22}: {middle:10,.0f} images/s"
                    f" ({min(found[1:]):,.0f} to {max(found[1:]):,.0f}),"
                    f" {middle * images[0].nbytes / GIGA:.2f} GB/s"
                )
            begin = time.perf_counter()
            level_counts(images)
            counted = images.nbytes / GIGA / (time.perf_counter() - begin)
            print(f"{size:4} px statistics: {counted:.2f} GB/s")
    print(
        f"batch {options.batch}, n={REPEATS}, {device_name()}, jax {jax.__version__},"
        f" numpy {np.__version__}, load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
