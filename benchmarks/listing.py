"""How long it takes to list many files: a folder per class, an index, symbolic links.

    python benchmarks/listing.py                   # 100,000 files of 100 classes made here
    python benchmarks/listing.py --count=1000000 --classes=1000 --scratch=DIR

Nothing is decoded: the files are hard links of one small JPEG file. Listed are paths, labels, ids
and versions, and every link and folder is checked to stay inside. An index has five columns: path,
label, split, group, weight. The ways take turns; files and folders are in memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.source import SOURCES

SIDE = 32
PER_INODE = 30_000
"""Hard links to one file; a file system may allow 65,000 (ext4)."""

STORE = ".store"
COLUMNS = "path", "label", "split", "group", "weight"


def names_of(count: int, classes: int) -> Iterator[tuple[int, str]]:
    """Yield (class, path) of every file, class by class."""
    for number in range(count):
        kind = number * classes // count
        yield kind, f"class{kind:04}/{number:07}.jpg"


def make_files(root: Path, count: int, classes: int) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    for kind in range(classes):
        (root / f"class{kind:04}").mkdir(parents=True)
    for number, (_, name) in enumerate(names_of(count, classes)):
        if number % PER_INODE == 0:
            first = root / name
            Image.fromarray(noise).save(first)
        else:
            os.link(first, root / name)
    return root


def make_links(root: Path, count: int, classes: int) -> Path:
    """Link to files in a hidden folder of the same data set, which are not listed themselves."""
    make_files(root / STORE, count, classes)
    for kind in range(classes):
        (root / f"class{kind:04}").mkdir()
    for _, name in names_of(count, classes):
        (root / name).symlink_to(Path("..") / STORE / name)
    return root


def make_indices(root: Path, count: int, classes: int) -> tuple[Path, Path]:
    rows = [
        (name, f"class{kind:04}", ("train", "train", "test")[number % 3], number // 4, 1 + kind % 3)
        for number, (kind, name) in enumerate(names_of(count, classes))
    ]
    as_csv, as_parquet = root / "index.csv", root / "index.parquet"
    with as_csv.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(columns), as_parquet)
    return as_csv, as_parquet


def listed(settings: DataConfig) -> tuple[float, float, int]:
    """List once: seconds on the clock and of the processor, and how many files there were."""
    began, used = time.perf_counter(), time.process_time()
    found = sum(map(len, SOURCES[settings.source](settings).splits.values()))
    return time.perf_counter() - began, time.process_time() - used, found


def told(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="files")
    parser.add_argument("--classes", type=int, default=100, help="folders")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where they are made; empty: the system's")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        root = make_files(Path(scratch) / "files", given.count, given.classes)
        links = make_links(Path(scratch) / "links", given.count, given.classes)
        as_csv, as_parquet = make_indices(root.parent, given.count, given.classes)
        index = {"source": "table", "root": str(root)}
        ways = {
            "folder": DataConfig(source="folder", path=str(root)),
            "index, CSV": DataConfig(path=str(as_csv), **index),
            "index, Parquet": DataConfig(path=str(as_parquet), **index),
            "folder of symbolic links": DataConfig(source="folder", path=str(links)),
        }
        found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in ways}
        for _ in range(given.repeats):
            for name, settings in ways.items():
                found[name].append(listed(settings))
    facts = {"classes": given.classes, "load at the start": round(load, 1),
             "python": platform.python_version(), "pyarrow": pyarrow.__version__}  # fmt: skip
    print(json.dumps(facts))
    print("| source | files | s | s of processor | n |\n|---|---|---|---|---|")
    for name, turns in found.items():
        clock, processor, counts = (list(values) for values in zip(*turns, strict=True))
        print(f"| {name} | {counts[0]:,} | {told(clock)} | {told(processor)} | {len(turns)} |")


if __name__ == "__main__":
    main()
