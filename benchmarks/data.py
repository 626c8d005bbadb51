"""Rates from files to images in memory: scanned, decoded, cached, read back from the cache.

    python benchmarks/data.py                      # 20,000 JPEG files made here, 32 px
    python benchmarks/data.py --folder=DIR         # one folder per class, or train and test folders
    python benchmarks/data.py --count=0 --size=224 --json=data.json     # all files of a folder

scanned       the folder listed: paths, labels, ids, links checked; all files of it
decoded, ...  the files decoded, turned, cut, resized into memory, by threads or by processes
cached        the same into a new cache, as data.decoder=auto chooses; written to the disk
read back     a later start: all files listed, sizes and times of those decoded compared, checksums
              computed, all pixels read

The ways take turns. Files, and the cache when it is read, are in the page cache of the system.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
from decoding import make_folder

from lqjax.config import DataConfig
from lqjax.data.chunks import cores
from lqjax.data.decoding import decode
from lqjax.data.source import SOURCES, Listing
from lqjax.runtime import device_name

MADE_SIDE = 32


def list_files(folder: Path) -> list[Listing]:
    settings = DataConfig(source="folder", path=str(folder))
    return list(SOURCES["folder"](settings).splits.values())


def some(listings: list[Listing], count: int) -> Listing:
    """Take so many files, evenly from the largest split; 0 for all of it."""
    listing = max(listings, key=len)
    rows = np.linspace(0, len(listing) - 1, min(count or len(listing), len(listing))).astype(int)
    return listing.take(np.isin(np.arange(len(listing)), rows))


class Ways:
    """What is timed; each returns the number of files that it has been through."""

    def __init__(self, folder: Path, settings: DataConfig, count: int, scratch: Path) -> None:
        self.folder, self.settings, self.count, self.scratch = folder, settings, count, scratch
        self.listing = some(list_files(folder), count)
        self.caches = 0

    def scanned(self) -> int:
        return sum(map(len, list_files(self.folder)))

    def decoded(self, **changes: str) -> int:
        return len(decode(self.listing, replace(self.settings, **changes), 3, "all images")[0])

    def cached(self) -> int:
        self.caches += 1
        return self.decoded(cache_dir=str(self.scratch / str(self.caches)))

    def read_back(self) -> int:
        listing = some(list_files(self.folder), self.count)
        settings = replace(self.settings, cache_dir=str(self.scratch / str(self.caches)))
        split, _ = decode(listing, settings, 3, "all images")
        np.asarray(split.images).sum(dtype=np.int64)
        return len(split)


def measured(ways: dict[str, Callable[[], int]], repeats: int) -> list[dict]:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            begin = time.perf_counter()
            count = way()
            rates[name].append(count / (time.perf_counter() - begin))
    return [
        {"what": name, "images_per_second": found, "median": statistics.median(found)}
        for name, found in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000, help="files decoded; 0 for all")
    parser.add_argument("--size", type=int, default=32, help="side after resizing, px")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="folder of the cache; empty: the system's")
    parser.add_argument("--json", type=Path, help="also write everything here")
    flags = parser.parse_args()
    settings = DataConfig(image_size=flags.size)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=flags.scratch) as scratch:
        made = None if flags.folder else make_folder(Path(scratch), MADE_SIDE, flags.count)
        ways = Ways(flags.folder or made, settings, flags.count, Path(scratch) / "cache")
        rows = measured(
            {
                "scanned": ways.scanned,
                "decoded, threads": lambda: ways.decoded(decoder="threads"),
                "decoded, processes": lambda: ways.decoded(decoder="processes"),
                "cached": ways.cached,
                "read back": ways.read_back,
            },
            flags.repeats,
        )
    facts = {
        "files": len(ways.listing),
        "size": flags.size,
        "cores": cores(),
        "load at the start": round(load, 2),
        "device": device_name(),
        "versions": {
            "python": platform.python_version(),
            "Pillow": PIL.__version__,
            "NumPy": np.__version__,
        },
    }
    print(json.dumps(facts))
    print("\n| step | images/s | range | n |\n|---|---|---|---|")
    for row in rows:
        found = row["images_per_second"]
        low, high = min(found), max(found)
        print(
            f"| {row['what']} | {row['median']:,.0f} | {low:,.0f} to {high:,.0f} | {len(found)} |"
        )
    if flags.json:
        flags.json.write_text(json.dumps({"facts": facts, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
