"""Decoding rates: threads against processes, on a folder of images or on JPEG files made here.

python benchmarks/decoding.py                   # 32, 224 and 2,000 px
python benchmarks/decoding.py --folder=DIR      # one folder per class

Printed first, for each size: how long one picture takes, and the part of it that is outside the
decoder and the resizing, for which Python threads wait for each other.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageFile

from lqjax.config import DataConfig
from lqjax.data.chunks import cores
from lqjax.data.decoding import decode
from lqjax.data.pictures import open_picture, to_eight_bit, to_pixels, to_square
from lqjax.data.source import SOURCES, Listing

MADE = {32: 20_000, 224: 4_000, 2000: 100}
"""Side in pixels -> number of pictures made."""

DISTINCT = 100
"""Different pictures among them; the others are links."""

SAMPLE = 50
"""Pictures of which the parts are timed."""


def make_folder(root: Path, side: int, count: int) -> Path:
    generator = np.random.default_rng(0)
    for number in range(count):
        path = root / str(side) / f"class{number % 2}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = root / f"{side}_{number % DISTINCT}.jpg"
        if not first.exists():
            coarse = generator.integers(0, 256, (side // 8, side // 8, 3), np.uint8)
            Image.fromarray(coarse).resize((side, side)).save(first, quality=75)
        os.link(first, path)
    return root / str(side)


def rate(listing: Listing, size: int, decoder: str, workers: int) -> float:
    """Time everything, the start of processes too; images/s."""
    settings = DataConfig(image_size=size, decoder=decoder, workers=workers)
    begin = time.perf_counter()
    split, _ = decode(listing, settings, 3, "all images")
    return len(split) / (time.perf_counter() - begin)


@contextmanager
def timed_decoders(spent: list[float]):
    """Add up what Pillow's decoders take, during which other threads run."""
    original = Image._getdecoder

    class Timed:
        def __init__(self, decoder: Any) -> None:
            self.decoder = decoder

        def decode(self, *values: Any) -> Any:
            begin = time.thread_time()
            result = self.decoder.decode(*values)
            spent.append(time.thread_time() - begin)
            return result

        def __getattr__(self, name: str) -> Any:
            return getattr(self.decoder, name)

    Image._getdecoder = ImageFile.Image._getdecoder = lambda *a, **k: Timed(original(*a, **k))
    try:
        yield
    finally:
        Image._getdecoder = ImageFile.Image._getdecoder = original


def print_share(listing: Listing, size: int) -> None:
    """Time the parts of decoding in one thread; the least of three."""
    paths, found = listing.files[:SAMPLE], []
    for _ in range(3):
        spent: list[float] = []
        with timed_decoders(spent):
            begin = time.thread_time()
            for path in paths:
                to_pixels(open_picture(path, size), size, 3)
            whole = time.thread_time() - begin
        pictures = [to_eight_bit(open_picture(path, size)) for path in paths]
        begin = time.thread_time()
        for picture in pictures:
            to_square(picture, size)
        resized = time.thread_time() - begin
        found.append((whole, whole - sum(spent) - resized))
    whole, held = (min(values) / len(paths) for values in zip(*found, strict=True))
    print(
        f"  a picture takes {whole * 1e6:,.0f} us, {held * 1e6:,.0f} us ({held / whole:.0%}) of it "
        f"one thread at a time: at most {1 / held:,.0f} images/s by threads"
    )


def list_folder(folder: Path, count: int) -> Listing:
    begin = time.perf_counter()
    splits = SOURCES["folder"](DataConfig(source="folder", path=str(folder))).splits
    seconds = time.perf_counter() - begin
    listing, total = splits["train"], sum(map(len, splits.values()))
    print(f"{folder.name}: listed {total:,} files, {total / seconds:,.0f} files/s")
    chosen = np.zeros(len(listing), bool)
    chosen[:: max(len(listing) // count, 1)] = True
    return listing.take(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=64, help="side after resizing, px")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    number = cores()
    ways: dict[str, Callable[[Listing], float]] = {
        "1 thread": lambda listing: rate(listing, options.size, "threads", 1),
        f"{number} threads": lambda listing: rate(listing, options.size, "threads", number),
        f"{number} processes": lambda listing: rate(listing, options.size, "processes", number),
    }
    with tempfile.TemporaryDirectory() as scratch:
        made = [make_folder(Path(scratch), side, n) for side, n in MADE.items()]
        for folder in [options.folder] if options.folder else made:
            listing = list_folder(folder, options.count)
            print_share(listing, options.size)
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(options.repeats):  # the ways take turns
                for name, way in ways.items():
                    rates[name].append(way(listing))
            for name, found in rates.items():
                print(
                    f"  {name:>12}: {statistics.median(found):8,.0f} images/s "
                    f"({min(found):,.0f} to {max(found):,.0f}, n={len(found)}, "
                    f"{len(listing):,} files, to {options.size} px)"
                )
    print(
        f"{platform.processor() or platform.machine()}, {number} cores, load"
        f" {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, Pillow {PIL.__version__},"
        f" NumPy {np.__version__}"
    )


if __name__ == "__main__":
    main()
