"""Runs that are started to be killed: real processes, what they leave behind, what they said."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp

from tests.processes import environment

ROOT = Path(__file__).parents[2]
LONGEST_SECONDS = 90
LOOK_SECONDS = 0.002
SMALL = ("-m", "tests.small_launch")
USER_ERROR = 2
STEPS_PER_EPOCH = 5
SETTINGS = {
    "model.names": "stoppable",
    "data.source": "folder",
    "data.image_size": 28,
    "training.epochs": 40,
    "training.batch_size": 16,
    "training.accumulation": 2,
    "training.ema_decay": 0.9,
    "training.patience": 3,
    "training.checkpoint_minutes": 1e-9,  # after every step
    "optimizer.learning_rate": 0.3,
    "schedule.name": "plateau",
    "schedule.plateau_patience": 0,
    "schedule.plateau_threshold": 0.9,
    "schedule.plateau_factor": 0.5,
    "augmentation.crop_padding": 2,
    "augmentation.flip": True,
    "evaluation.batch_size": 24,
    "evaluation.conditions": "clean,gaussian_noise(sigma=0.1)",
    "run.log_every": 1,
    "run.writers": "jsonl",
}
"""Everything at once that a checkpoint has to carry. The rate falls twice on a plateau that wants
much, and patience ends it within a few epochs: how many depends on how a processor rounds."""


class Launch:
    """A started command; a context manager that leaves no process behind."""

    def __init__(
        self, workdir, *, program=SMALL, mode="train", devices=1, variables=None, prefix=(),
        **settings,
    ):  # fmt: skip
        flags = {**SETTINGS, **{name.replace("__", "."): v for name, v in settings.items()}}
        command = [
            *(*prefix, sys.executable, *program, f"--mode={mode}", f"--workdir={workdir}"),
            *(f"--config.{name}={value}" for name, value in flags.items()),
        ]
        more = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", **(variables or {})}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(devices, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def wait_for(self, condition):
        """Wait until a state is reached; the process must be alive then."""
        ends = time.monotonic() + LONGEST_SECONDS
        while not condition():
            assert self.process.poll() is None, f"it ended before: {self.process.communicate()}"
            assert time.monotonic() < ends, "it never came to that"
            time.sleep(LOOK_SECONDS)
        assert self.process.poll() is None

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """Wait for its end; return exit code and the lines on stderr."""
        _, errors = self.process.communicate(timeout=LONGEST_SECONDS)
        assert "Traceback" not in errors, errors
        return self.process.returncode, errors.strip().splitlines()


def run(workdir, **settings):
    """Run to the end, which must be a good one; return the lines on stderr."""
    with Launch(workdir, **settings) as launch:
        code, lines = launch.end()
    assert code == 0, lines
    return lines


def folder_of(workdir):
    """Name the folder of the one network that is trained there."""
    found = list(Path(workdir).glob("runs/*/seed0-fold0"))
    return found[0] if found else Path(workdir) / "runs" / "stoppable" / "seed0-fold0"


def checkpoints(workdir):
    """List the steps of the finished checkpoints, the latest last."""
    folder = folder_of(workdir) / "checkpoints"
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return sorted(int(name) for name in names if name.isdigit())


def is_writing(workdir):
    """Tell whether a checkpoint is being written right now."""
    folder = folder_of(workdir) / "checkpoints"
    return folder.exists() and any("tmp" in path.name for path in folder.iterdir())


def logged(workdir):
    """Read the log: (step, which kind of line, numbers without times) each."""
    path = folder_of(workdir) / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    timeless = ("loss", "learning_rate", "train_loss", "validation_loss", "validation_accuracy")
    return [
        (line["step"], "epoch" in line, {name: line[name] for name in timeless if name in line})
        for line in lines
    ]


def history(workdir):
    """Read the epochs without their times."""
    lines = (folder_of(workdir) / "history.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    return [
        {k: v for k, v in epoch.items() if k not in ("seconds", "images_per_second")}
        for epoch in epochs
    ]


def last_step(workdir):
    return checkpoints(workdir)[-1]


def best_of(workdir):
    """Find the epoch that is tested."""
    return min(history(workdir), key=lambda e: (-e["validation_accuracy"], e["validation_loss"]))


def arrays(workdir, step):
    """Read all arrays of a checkpoint by Orbax alone: name -> array."""
    found = {}
    for item in ("model", "rest"):
        path = folder_of(workdir) / "checkpoints" / str(step) / item
        with ocp.PyTreeCheckpointer() as reader:
            tree = reader.metadata(path).item_metadata.tree
            plain = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
            leaves = jax.tree_util.tree_leaves_with_path(reader.restore(path, restore_args=plain))
        found |= {f"{item}{jax.tree_util.keystr(name)}": leaf for name, leaf in leaves}
    return found


def assert_same_end(one, two):
    """Fail unless two runs ended alike to the last bit and logged every step once."""
    last = checkpoints(one)[-1]
    assert checkpoints(two)[-1] == last
    here, there = arrays(one, last), arrays(two, last)
    assert here.keys() == there.keys() and len(here) > 20
    for name, array in here.items():
        assert array.dtype == there[name].dtype, name
        np.testing.assert_array_equal(array, there[name], err_msg=name)
    assert history(one) == history(two)
    assert logged(one) == logged(two)


def copy(workdir, target):
    """Copy a working directory, times of its files and all."""
    return Path(shutil.copytree(workdir, target))


def largest_file(folder):
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
