"""Run every recipe but the quickstart in its smoke form, on small data of the kind it asks for.

    python -m tests.smoke_recipes [RECIPE ...]

Each is run through the command line, in a process of its own, with all its networks and settings;
only the images, the batch and the epochs are few.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lqjax.config import Config
from lqjax.recipes import load_recipe, packaged_recipes
from tests.data.making import class_folders, noise
from tests.data.test_tfds import prepare

LAUNCH = Path(__file__).parent.parent / "launch.py"
COUNTS = {"train": 60, "validation": 20, "test": 20}
SIDE = 64
AT_ONCE = 2
"""Processes; compiling does not fill two cores."""


def medmnist_file(path: Path) -> Path:
    """Write two classes of grey noise in MedMNIST's layout."""
    arrays = {}
    for split, count in (("train", 60), ("val", 20), ("test", 20)):
        arrays[f"{split}_images"] = noise(count, count, SIDE, SIDE)
        arrays[f"{split}_labels"] = (np.arange(count) % 2)[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path


def data_for(recipe: Config, folder: Path) -> list[str]:
    """Make small data of the source that a recipe names; return the flags that point to it."""
    source = recipe.data.source
    if source == "digits":
        return []
    path = folder / source
    if source == "folder" and not path.exists():
        class_folders(path, count=60)
    elif source == "npz":
        path = medmnist_file(folder / "small.npz")
    elif source == "tfds" and not path.exists():
        prepare(path, splits=COUNTS)
    shown = f"lqjax_tiny@{path}" if source == "tfds" else str(path)
    return [f"--config.data.path={shown}"]


def smoke_run(name: str, recipe: Path, flags: list[str], folder: Path) -> str:
    """Run one recipe; say how it went, and return what it printed where it failed."""
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # most of the time is compiling
    }
    command = [sys.executable, str(LAUNCH), f"--config={recipe}", *flags]
    command += ["--config.run.smoke=True", f"--workdir={folder / name}"]
    command += ["--config.run.progress=False"]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    works = done.returncode == 0 and (folder / name / "report" / "report.html").exists()
    said = f"{name}: {'ok' if works else 'FAILED'}, {time.monotonic() - began:.0f} s"
    print(said, flush=True)
    return "" if works else f"{said}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def main(names: list[str]) -> int:
    """Run the recipes; return how many failed."""
    known = {name: path for name, path in packaged_recipes().items() if name != "quickstart"}
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = Path(place)
        flags = {n: data_for(load_recipe(str(known[n])), folder) for n in names or known}
        runs = [pool.submit(smoke_run, n, known[n], flags[n], folder) for n in flags]
        failed = [text for text in (run.result() for run in runs) if text]
    for text in failed:
        print(text)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
