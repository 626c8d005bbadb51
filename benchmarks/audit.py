"""An audit beside cleanvision on the same folders, one core each: how fast, and what is flagged.

    taskset -c 0 python benchmarks/audit.py                 # pictures made here: 32 to 1,000 px
    taskset -c 0 python benchmarks/audit.py --only="224 px" # one kind of them
    taskset -c 0 python benchmarks/audit.py --folder=DIR    # one folder per class
    taskset -c 0 python benchmarks/audit.py --folder=DIR --agreement      # who flags what
    taskset -c 0 python benchmarks/audit.py --folder=DIR --first=200 --agreement    # of each class

Both decode every picture, look for the same things and search for duplicates; ours measures
noise, blur, blocks and JPEG quality besides. They take turns in one process. In the first turn ours
compiles its programs; it is shown by itself. cleanvision comes with `pip install cleanvision`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import skimage.data
from PIL import Image, ImageFilter

from lqjax.auditing.duplicates import EXACT, NEAR, find_duplicates
from lqjax.auditing.flags import flagged_by, rules
from lqjax.auditing.measuring import measure
from lqjax.config import AuditConfig, DataConfig
from lqjax.data.source import SOURCES
from lqjax.runtime import device_name

SEED = 0
MADE = {"32 px": (32, 32, 2000), "224 px": (224, 224, 600), "1,000 px": (1000, 1000, 80),
        "32 to 1,000 px": (32, 1000, 400)}  # fmt: skip
"""Smallest and largest side in px, spread evenly over the logarithm between them, and how many."""

STRETCH = 0.25
"""Spread of the logarithm of the sides' ratio, halved."""

IMAGE_SIZE = 64
PHOTOGRAPHS = "astronaut", "coffee", "chelsea", "rocket", "retina", "hubble_deep_field"
PACKAGES = "cleanvision", "jax", "pillow", "numpy"

SAME = {"dark": "dark", "light": "over_exposed", "blurry": "blurry",
        "low_information": "low_information", "odd_aspect_ratio": "odd_aspect",
        "odd_size": "odd_size", "exact_duplicates": EXACT, "near_duplicates": NEAR}  # fmt: skip
"""Their issues and ours; grayscale is none of ours."""


def make_folder(root: Path, smallest: int, largest: int, count: int) -> Path:
    """Cut, resize and damage photographs: three JPEG files to one PNG."""
    random = np.random.default_rng(SEED)
    photographs = [Image.fromarray(getattr(skimage.data, name)()) for name in PHOTOGRAPHS]
    for number in range(count):
        whole = photographs[number % len(photographs)].convert("RGB")
        width, height = (int(random.integers(side // 2, side + 1)) for side in whole.size)
        left = int(random.integers(0, whole.width - width + 1))
        top = int(random.integers(0, whole.height - height + 1))
        side = np.exp(random.uniform(np.log(smallest), np.log(largest)))
        stretch = np.exp(random.normal(0, STRETCH)) if smallest < largest else 1
        picture = whole.crop((left, top, left + width, top + height))
        picture = picture.resize((round(side * stretch), round(side / stretch)))
        if number % 10 == 1:
            picture = picture.filter(ImageFilter.GaussianBlur(3))
        if number % 10 == 2:
            picture = picture.point(lambda level: level * 0.15)
        path = root / f"class{number % 2}" / f"{number:05}{'.png' if number % 4 == 0 else '.jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {}
        if path.suffix != ".png":
            options["quality"] = int(random.integers(30, 96))
        picture.save(path, **options)
    return root


def first_of(folder: Path, count: int, root: Path) -> Path:
    """Copy the first pictures of each class, by name."""
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        (root / kind.name).mkdir(parents=True)
        for path in sorted(path for path in kind.iterdir() if path.is_file())[:count]:
            shutil.copy(path, root / kind.name)
    return root


def ours(folder: Path) -> dict[str, set[str]]:
    """Give the paths of the pictures that each of our flags holds of."""
    settings = DataConfig(source="folder", path=str(folder), image_size=IMAGE_SIZE, workers=1)
    table = measure(SOURCES["folder"](settings), settings)
    found = {
        rule.flag: flagged_by(rule, table).rows.tolist() for rule in rules(table, AuditConfig())
    }
    groups = find_duplicates(table, AuditConfig().hash_distance)
    for kind in (EXACT, NEAR):
        found[kind] = [row for group in groups if group.kind == kind for row in group.rows]
    return {flag: {str(table.names[row]) for row in rows} for flag, rows in found.items()}


def theirs(folder: Path) -> dict[str, set[str]]:
    """Give the paths of the pictures that each of cleanvision's issues holds of."""
    from cleanvision import Imagelab

    lab = Imagelab(data_path=str(folder), verbose=False)
    lab.find_issues(n_jobs=1, verbose=False)
    return {issue: set(lab.issues.index[lab.issues[f"is_{issue}_issue"]]) for issue in SAME}


def quiet(run: Callable[[Path], dict[str, set[str]]], folder: Path) -> dict[str, set[str]]:
    """Keep cleanvision's progress bars off the screen, which it draws whatever it is told."""
    with contextlib.redirect_stderr(io.StringIO()):
        return run(folder)


def times(folder: Path, repeats: int) -> dict[str, np.ndarray]:
    """Time both in turns: seconds on the clock and of the processor, (1 + repeats, 2) each."""
    jax.clear_caches()
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    for _ in range(1 + repeats):
        for name, run in (("ours", ours), ("theirs", theirs)):
            began, used = time.perf_counter(), time.process_time()
            quiet(run, folder)
            found[name].append((time.perf_counter() - began, time.process_time() - used))
    return {name: np.asarray(seconds) for name, seconds in found.items()}


def row_of(name: str, folder: Path, repeats: int) -> dict:
    """Sum up the turns after the first, in ms a picture, and the first by itself."""
    count = sum(path.is_file() for path in folder.rglob("*"))
    found = {side: 1e3 * seconds / count for side, seconds in times(folder, repeats).items()}
    clock, processor = (found["theirs"][1:, kind] / found["ours"][1:, kind] for kind in range(2))
    return {
        "pictures": f"{count:,} of {name}",
        "lqjax": found["ours"][1:, 0].tolist(),
        "cleanvision": found["theirs"][1:, 0].tolist(),
        "ratio": clock.tolist(),
        "ratio of processor time": processor.tolist(),
        "first of lqjax": found["ours"][0, 0],
        "first of cleanvision": found["theirs"][0, 0],
    }


def told(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def print_speed(rows: Iterator[dict]) -> None:
    print("| pictures | lqjax, ms | cleanvision, ms | ratio | of processor time | first turn, ms |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        cells = [told(row[key]) for key in ("lqjax", "cleanvision", "ratio")]
        cells.append(told(row["ratio of processor time"]))
        first = f"{row['first of lqjax']:.2f} / {row['first of cleanvision']:.2f}"
        print(f"| {row['pictures']} | {' | '.join(cells)} | {first} |", flush=True)


def print_agreement(folder: Path) -> None:
    mine, other = quiet(ours, folder), quiet(theirs, folder)
    print("| cleanvision's issue | our flag | both | only cleanvision | only lqjax |")
    print("|---|---|---|---|---|")
    for issue, flag in SAME.items():
        counts = (mine[flag] & other[issue], other[issue] - mine[flag], mine[flag] - other[issue])
        print(f"| {issue} | {flag} | {' | '.join(str(len(found)) for found in counts)} |")


def facts() -> dict:
    return {
        "device": device_name(),
        "load at the start": round(os.getloadavg()[0], 1),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="one folder per class; default: made here")
    parser.add_argument("--only", choices=MADE, help="of what is made here; default: all")
    parser.add_argument("--first", type=int, help="of each class of --folder; default: all")
    parser.add_argument("--repeats", type=int, default=5, help="turns after the first")
    parser.add_argument("--agreement", action="store_true", help="count flags instead of seconds")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(json.dumps(facts()))
    with tempfile.TemporaryDirectory() as scratch:
        made = MADE if given.folder is None else {}
        made = {name: of for name, of in made.items() if given.only in (None, name)}
        folders = {name: make_folder(Path(scratch) / name, *of) for name, of in made.items()}
        if given.folder is not None:
            folder = given.folder
            if given.first:
                folder = first_of(folder, given.first, Path(scratch) / "first")
            folders = {given.folder.name: folder}
        if given.agreement:
            for folder in folders.values():
                print_agreement(folder)
        else:
            print_speed(row_of(name, folder, given.repeats) for name, folder in folders.items())


if __name__ == "__main__":
    main()
