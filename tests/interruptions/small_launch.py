"""`launch.py` for the tests of killing: with a network so small that a run takes seconds.

    python -m tests.interruptions.small_launch --config.model.names=stoppable

Where `ask_for_pause` has asked for it, in the folder that the variable `PAUSE_FOLDER` names, it
waits once while the network is compiled, so that a signal can be sent right there.
"""

import os
import time
from pathlib import Path

import jax.numpy as jnp
from flax import nnx

from lqjax.cli import start
from lqjax.models.base import MODELS, Architecture, Classifier
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.dense import Dense
from lqjax.training.writers.base import WRITERS

SIDE, WIDTH = 4, 32
PAUSE_FOLDER = "LQJAX_TEST_PAUSE_FOLDER"
PAUSE_SECONDS, SLOW_SECONDS, LOOK_SECONDS = 3.0, 0.05, 0.02
TRAINING, TESTING = "training", "testing"


class Small(Classifier):
    """Means over patches, a dense layer, BatchNorm, dropout, a dense layer."""

    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        inputs = SIDE**2 * settings.channels
        self.hidden = Dense(inputs, WIDTH, deviation=inputs**-0.5, **shared)
        self.bn = BatchNorm(WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.head = Dense(WIDTH, settings.num_classes, deviation=WIDTH**-0.5, **shared)
        self.dropout = nnx.Dropout(settings.dropout)

    def activations(self, images, *, train, rngs=None):
        batch, height, width, channels = images.shape
        if batch > 1:  # a single example is only asked for its shapes
            pause(TRAINING if train else TESTING)
        patches = images.reshape(batch, SIDE, height // SIDE, SIDE, width // SIDE, channels)
        maps = self.hidden(patches.mean((2, 4)).reshape(batch, -1)).reshape(batch, 1, 1, WIDTH)
        maps = nnx.relu(self.bn(maps, train=train))
        features = self.dropout(maps.reshape(batch, WIDTH), deterministic=not train, rngs=rngs)
        logits = self.head(features).astype(jnp.float32)
        return {"maps": maps, "features": features, "logits": logits}


class Slow:
    """A writer that holds training up: a run that is over at once cannot be killed."""

    def __init__(self, say):
        pass

    def start(self, run, step):
        pass

    def write(self, step, values):
        time.sleep(SLOW_SECONDS)

    def close(self):
        pass


def ask_for_pause(folder: Path, where: str) -> None:
    (folder / f"{where}.asked").touch()


def is_paused(folder: Path, where: str) -> bool:
    return (folder / f"{where}.here").exists()


def pause(where: str) -> None:
    folder = Path(os.environ.get(PAUSE_FOLDER, ""))
    if PAUSE_FOLDER in os.environ and (folder / f"{where}.asked").exists():
        (folder / f"{where}.asked").unlink()
        (folder / f"{where}.here").touch()
        for _ in range(round(PAUSE_SECONDS / LOOK_SECONDS)):
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    # Only here: the tests import this file too, and registries are for their whole process.
    MODELS.add(
        "stoppable", Architecture(Small, {"imagenet": 28, "small": 28}, "tests", True, "maps")
    )
    WRITERS.add("slow", Slow)
    start()
