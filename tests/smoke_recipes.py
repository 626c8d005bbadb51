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
from pathlib import Path

import numpy as np

from lqjax.config import Config
from lqjax.recipes import load_recipe, packaged_recipes
from tests.data.making import class_folders, noise
from tests.data.test_tfds import prepare

LAUNCH = Path(__file__).parent.parent / "launch.py"
COUNTS = {"train": 60, "validation": 20, "test": 20}
SIDE = 64


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


def main(names: list[str]) -> int:
    """Run the recipes; return how many failed."""
    known = {name: path for name, path in packaged_recipes().items() if name != "quickstart"}
    failed = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
        for name in names or known:
            flags = data_for(load_recipe(str(known[name])), folder)
            command = [sys.executable, str(LAUNCH), f"--config={known[name]}", *flags]
            command += ["--config.run.smoke=True", f"--workdir={folder / name}"]
            command += ["--config.run.progress=False"]
            began = time.monotonic()
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            report = folder / name / "report" / "report.html"
            works = done.returncode == 0 and report.exists()
            print(
                f"{name}: {'ok' if works else 'FAILED'}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            if not works:
                failed.append(name)
                print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
