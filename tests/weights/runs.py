"""Runs without training: checkpoints of given weights, and what belongs to them."""

import contextlib
from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from lqjax.kept_statistics import kept_text
from lqjax.models.base import MODELS, Architecture, Classifier
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.convolution import Convolution
from lqjax.models.dense import Dense
from lqjax.rows import Epoch
from lqjax.runtime import make_mesh, replicated
from lqjax.trained_weights import network_for
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.record import Record
from lqjax.weights.belongings import Belongings
from lqjax.workdir import Workdir

MINI = "mini"


class Mini(Classifier):
    """The first and the last layer of a ResNet, and nothing between."""

    WIDTH = 4

    def __init__(self, settings, draws):
        shared = {"dtype": settings.dtype, "draws": draws}
        self.conv1 = Convolution(
            settings.channels, self.WIDTH, 3, bias=False, deviation=0.1, **shared
        )
        self.bn1 = BatchNorm(self.WIDTH, groups=settings.batch_norm_groups, dtype=settings.dtype)
        self.fc = Dense(self.WIDTH, settings.num_classes, deviation=0.5, **shared)

    def activations(self, images, *, train, rngs=None):
        maps = nnx.relu(self.bn1(self.conv1(images), train=train))
        features = maps.mean((1, 2))
        logits = self.fc(features).astype(jnp.float32)
        return {"maps": maps, "features": features, "logits": logits}


def register():
    """Have `mini` from now on, which is compiled within a second."""
    MODELS.add(MINI, Architecture(Mini, {"imagenet": 8, "small": 8}, "none", False, "maps"))


@contextlib.contextmanager
def registered():
    """Have `mini` for a while: registries are for a whole process."""
    register()
    try:
        yield
    finally:
        del MODELS._entries[MINI]


def belongings(model=MINI, size=16, channels=3, classes=("ant", "bee", "cat"), stem="imagenet"):
    """Say what weights were made for, with a mean and a deviation that are no defaults."""
    mean = tuple(0.4 + 0.1 * channel for channel in range(channels))
    return Belongings(model, size, channels, mean, (0.25,) * channels, stem, tuple(classes))


def shaken(network, seed=0):
    """Draw weights and statistics, none at its start value, all variances positive."""
    draws = np.random.default_rng(seed)
    deviation = {"mean": 0.2, "bias": 0.2, "scale": 0.2}

    def drawn(path, leaf):
        name = path[-1].key
        if name == "var":
            return draws.uniform(0.5, 2, leaf.shape).astype(np.float32)
        fan_in = np.prod(leaf.shape[:-1]) if leaf.ndim > 1 else 1
        spread = deviation.get(name, fan_in**-0.5)
        made = draws.standard_normal(leaf.shape, np.float32) * np.float32(spread)
        return made + np.float32(name == "scale")

    return [jax.tree_util.tree_map_with_path(drawn, tree) for tree in network.shapes()]


def write_run(workdir, own, seed=0, weights=None):
    """Keep epochs of weights as training does; the last one is the best.

    Args:
      own: the `Belongings` of the network.
      weights: seeds of `shaken`, one an epoch.

    Returns:
      The run, and (params, stats) of each epoch.
    """
    run = Workdir.at(workdir).run(own.model, seed)
    network = network_for(own)
    trees = [shaken(network, number) for number in weights or (seed,)]
    run.root.mkdir(parents=True, exist_ok=True)
    (run.root / "model.json").write_text(kept_text(asdict(own)))
    history = ()
    with Checkpoints(run.checkpoints, keep=len(trees)) as checkpoints:
        for epoch, (params, stats) in enumerate(trees, start=1):
            share = epoch / len(trees)
            figures = (1e-3, 0.5, 0.75, 0.25, share, 31.5, 60.0)
            history = (*history, Epoch(own.model, seed, 0, epoch, 4 * epoch, *figures))
            model = jax.device_put({"params": params, "stats": stats}, replicated(make_mesh(1)))
            rest = {"step": jnp.int32(4 * epoch)}
            checkpoints.save(model, rest, Record(4 * epoch, history))
            checkpoints.finish()
    return run, trees
