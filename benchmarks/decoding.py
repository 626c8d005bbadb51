"""Decoding rates: threads against processes, on a folder of images or on made ones.

python benchmarks/decoding.py                   # JPEGs made here: 32 px and 1,024 px
python benchmarks/decoding.py --folder=DIR      # one folder per class
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.chunks import CHUNK
from lqjax.data.pictures import open_picture, to_pixels
from lqjax.data.source import SOURCES, Listing

MADE = {32: 4000, 1024: 200}
"""Side in pixels -> number of pictures made."""


def make_folder(root: Path, side: int, count: int) -> Path:
    generator = np.random.default_rng(0)
    for number in range(count):
        coarse = generator.integers(0, 256, (side // 8, side // 8, 3), np.uint8)
        path = root / str(side) / f"class{number % 2}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((side, side)).save(path, quality=90)
    return root / str(side)


def decode_chunk(paths: list[str], size: int) -> np.ndarray:
    return np.stack([to_pixels(open_picture(path, size), size, 3) for path in paths])


def rate(make_pool: Callable[[], Executor], paths: list[str], size: int) -> float:
    """Time everything, the start of the pool too; images/s."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    begin = time.perf_counter()
    with make_pool() as pool:
        images = list(pool.map(partial(decode_chunk, size=size), chunks))
    seconds = time.perf_counter() - begin
    assert sum(map(len, images)) == len(paths)
    return len(paths) / seconds


def list_paths(folder: Path, count: int) -> list[str]:
    begin = time.perf_counter()
    splits = SOURCES["folder"](DataConfig(source="folder", path=str(folder))).splits
    seconds = time.perf_counter() - begin
    listing: Listing = splits["train"]
    total = sum(map(len, splits.values()))
    print(f"{folder.name}: listed {total:,} files, {total / seconds:,.0f} files/s")
    step = max(len(listing) // count, 1)
    return list(listing.names[::step])[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=64, help="side after resizing, px")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    spawn = multiprocessing.get_context("spawn")
    pools: dict[str, Callable[[], Executor]] = {
        "1 thread": lambda: ThreadPoolExecutor(1),
        f"{cores} threads": lambda: ThreadPoolExecutor(cores),
        f"{cores} processes": lambda: ProcessPoolExecutor(cores, mp_context=spawn),
    }
    with tempfile.TemporaryDirectory() as scratch:
        made = [make_folder(Path(scratch), side, n) for side, n in MADE.items()]
        for folder in [options.folder] if options.folder else made:
            paths = list_paths(folder, options.count)
            for name, make_pool in pools.items():
                rates = [rate(make_pool, paths, options.size) for _ in range(options.repeats)]
                print(
                    f"  {name:>12}: {statistics.median(rates):8,.0f} images/s "
                    f"({min(rates):,.0f} to {max(rates):,.0f}, n={len(rates)}, "
                    f"{len(paths):,} files, to {options.size} px)"
                )
    print(f"Pillow {PIL.__version__}, {cores} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
