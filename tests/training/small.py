"""A run small enough for hundreds of steps: split, settings, and the state that steps work on."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.config import Config
from lqjax.data.order import epoch_order
from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.optim.building import build_optimizer
from lqjax.overriding import override_all
from lqjax.runtime import make_mesh, replicated
from lqjax.training.class_weights import class_weights
from lqjax.training.dispatch import Dispatcher
from lqjax.training.loss import make_loss
from lqjax.training.material import Material
from lqjax.training.plan import make_plan
from lqjax.training.scales import make_scales
from lqjax.training.stages import make_stages
from lqjax.training.state import create_state
from lqjax.training.step import make_preparation, make_update
from lqjax.typing import Split

BATCH = 16
CLASSES = ("ant", "bee", "cat", "dog")
MEAN, STD = 0.5, 0.25


def split(size=8, channels=1, count=64):
    generator = np.random.default_rng(0)
    return Split(
        generator.integers(0, 256, (count, size, size, channels), dtype=np.uint8),
        generator.integers(0, len(CLASSES), count).astype(np.int32),
        np.array([f"train/{i}" for i in range(count)]),
    )


def statistics(channels=1):
    return np.full(channels, MEAN, np.float32), np.full(channels, STD, np.float32)


def config(**settings):
    wanted = {"schedule__name": "constant", "training__batch_size": BATCH, **settings}
    given = [(path.replace("__", "."), str(value)) for path, value in wanted.items()]
    return override_all(Config(), given)


def scales_for(settings, data, mesh):
    counts = np.bincount(data.labels, minlength=len(CLASSES))
    weights = class_weights(settings.training.class_weights, CLASSES, counts)
    return make_scales(statistics(data.images.shape[-1]), weights, mesh)


def material_for(small, validate):
    """Train on all images that a small run has."""
    return Material(np.arange(len(small.data)), small.scales, validate)


@dataclass
class Small:
    """Everything that one small run needs.

    Attributes:
      steps: steps a dispatch.
      placing: "whole" on every device, "shared out" over them, or "streamed" to them.
    """

    network: Any
    settings: Config
    data: Split
    devices: int = 1
    steps: int = 1
    placing: str = "whole"

    def __post_init__(self):
        self.mesh = make_mesh(self.devices)
        self.plan = make_plan(self.settings, len(self.data))
        stages = make_stages(self.network, self.settings, self.plan.steps_per_epoch)
        self.optimizer = build_optimizer(self.settings, self.plan.schedule, stages.parts)
        self.scales = scales_for(self.settings, self.data, self.mesh)
        prepare = make_preparation(self.settings.augmentation, self.network.num_classes)
        loss = make_loss(self.settings.training)
        self.update = make_update(
            self.network, self.optimizer, self.settings, prepare, loss, stages
        )
        if self.placing == "streamed":
            batches = Streamed(self.data, self.mesh)
        else:
            batches = Resident(self.data, self.mesh, shared_out=self.placing == "shared out")
        size = self.settings.training.batch_size
        self.dispatcher = Dispatcher(
            self.update, batches, self.mesh, self.plan.steps_per_epoch, size, self.steps
        )

    def start(self):
        return create_state(self.network, self.optimizer, self.settings, self.mesh)

    def order(self, epoch):
        return epoch_order(self.settings.run.seed, epoch, len(self.data))

    def dispatches(self, step):
        """Give the dispatches that are left of the epoch after some steps."""
        done, first = divmod(step, self.plan.steps_per_epoch)
        return self.dispatcher.dispatches(self.order(done + 1), first, self.scales)

    def rows(self, step):
        """Give the rows of the split that a step works on."""
        done, first = divmod(step, self.plan.steps_per_epoch)
        size = self.settings.training.batch_size
        return self.order(done + 1)[first * size : (first + 1) * size]

    def run(self, steps, state=None, factor=1.0):
        """Make steps from a state on; give the dispatches' losses and sizes, and the last state."""
        state = self.start() if state is None else state
        step = int(state["step"])
        wanted, losses, sizes = step + steps, [], []
        factor = jax.device_put(jnp.float32(factor), replicated(self.mesh))
        while step < wanted:
            for dispatch in self.dispatches(step):
                state, loss = dispatch.run(state, factor)
                step += dispatch.steps
                losses.append(float(loss))
                sizes.append(dispatch.steps)
                if step >= wanted:
                    break
        return np.array(losses), sizes, state


def taken(dispatcher, state, factor, scales, draw, steps):
    """Make steps over as many epochs as they take; give the losses."""
    found, epoch = [], 0
    while len(found) < steps:
        epoch += 1
        for dispatch in dispatcher.dispatches(draw(epoch), 0, scales):
            state, loss = dispatch.run(state, factor)
            found.append(np.asarray(loss))
    return np.array(found)[:steps]


def assert_equal_trees(one, two, **tolerance):
    """Compare bit for bit, or within a tolerance."""
    assert jax.tree.structure(one) == jax.tree.structure(two)
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(one), jax.tree.leaves(two), strict=True
    ):
        name = jax.tree_util.keystr(path)
        if tolerance:
            np.testing.assert_allclose(a, b, err_msg=name, **tolerance)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)
