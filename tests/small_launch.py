"""`launch.py` with two more networks, small enough to be compiled within seconds.

    python -m tests.small_launch --config.model.names=small

`small` has what makes training in several processes hard: batch statistics and dropout.
`stoppable` has these too and is for the tests of killing: where `ask_for_pause` has asked for it,
in the folder that the variable `PAUSE_FOLDER` names, it waits once while it is compiled, so that a
signal can be sent right there; the writer `slow` holds its training up.

Importing this registers nothing: registries are for a whole process. Tests that build a network in
their own process ask for the fixture `small_networks`.
"""

import contextlib
import os
import time
from pathlib import Path

import jax.numpy as jnp
from flax import nnx

from lqjax.models.base import MODELS, Architecture, Classifier
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.convolution import Convolution
from lqjax.models.dense import Dense
from lqjax.training.writers.base import WRITERS

STEMS = {"imagenet": 28, "small": 28}
PAUSE_FOLDER = "LQJAX_TEST_PAUSE_FOLDER"
PAUSE_SECONDS, SLOW_SECONDS, LOOK_SECONDS = 3.0, 0.05, 0.02
TRAINING, TESTING = "training", "testing"


class Small(Classifier):
    """A dense layer on single pixels, BatchNorm, dropout, a dense layer."""

    WIDTH = 16
    STRIDE, SEEN = 4, 49
    """Of 28 x 28 pixels every fourth is looked at."""

    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        self.first = Dense(settings.channels * self.SEEN, self.WIDTH, deviation=0.1, **shared)
        self.norm = BatchNorm(self.WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.dropout = nnx.Dropout(settings.dropout)
        self.last = Dense(self.WIDTH, settings.num_classes, deviation=0.1, **shared)

    def activations(self, images, *, train, rngs=None):
        pixels = images[:, :: self.STRIDE, :: self.STRIDE].reshape(len(images), -1)
        hidden = self.first(pixels)[:, None, None, :]
        maps = nnx.relu(self.norm(hidden, train=train))
        features = self.dropout(maps[:, 0, 0], deterministic=not train, rngs=rngs)
        logits = self.last(features).astype(jnp.float32)
        return {"maps": maps, "features": features, "logits": logits}


class Stoppable(Classifier):
    """Means over patches, a dense layer, BatchNorm, dropout, a dense layer."""

    SIDE, WIDTH = 4, 32

    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        inputs = self.SIDE**2 * settings.channels
        # No bias: BatchNorm takes it out, so that its gradient is rounding, and AdamW's steps along
        # that are whole ones: validation, by running statistics, would depend on the processor.
        self.hidden = Convolution(
            inputs, self.WIDTH, 1, bias=False, deviation=inputs**-0.5, **shared
        )
        self.bn = BatchNorm(self.WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.head = Dense(self.WIDTH, settings.num_classes, deviation=self.WIDTH**-0.5, **shared)
        self.dropout = nnx.Dropout(settings.dropout)

    def activations(self, images, *, train, rngs=None):
        batch, height, width, channels = images.shape
        if batch > 1:  # a single example is only asked for its shapes
            pause(TRAINING if train else TESTING)
        side = self.SIDE
        patches = images.reshape(batch, side, height // side, side, width // side, channels)
        hidden = self.hidden(patches.mean((2, 4)).reshape(batch, 1, 1, -1))
        maps = nnx.relu(self.bn(hidden, train=train))
        features = maps.reshape(batch, self.WIDTH)
        features = self.dropout(features, deterministic=not train, rngs=rngs)
        logits = self.head(features).astype(jnp.float32)
        return {"maps": maps, "features": features, "logits": logits}


NETWORKS = {
    "small": Architecture(Small, STEMS, "none", True, "maps"),
    "stoppable": Architecture(Stoppable, STEMS, "tests", True, "maps"),
}


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


@contextlib.contextmanager
def registered():
    """Have the networks registered for a while."""
    for name, network in NETWORKS.items():
        MODELS.add(name, network)
    try:
        yield
    finally:
        for name in NETWORKS:
            del MODELS._entries[name]


if __name__ == "__main__":
    from lqjax.cli import start

    with registered():
        WRITERS.add("slow", Slow)
        start()
