"""What is compiled for the steps of a network: once for all runs whose epochs have as many."""

from __future__ import annotations

from dataclasses import dataclass

import optax
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.data.batch import Placed
from lqjax.models.network import Network
from lqjax.optim.building import build_optimizer
from lqjax.training.dispatch import Dispatcher, steps_per_dispatch
from lqjax.training.loss import make_loss
from lqjax.training.plan import Plan, make_plan
from lqjax.training.recalibration import make_recalibration
from lqjax.training.stages import Stages, make_stages
from lqjax.training.step import make_preparation, make_update


@dataclass(frozen=True)
class Course:
    """A plan, and what takes a state through its steps."""

    plan: Plan
    optimizer: optax.GradientTransformationExtraArgs
    dispatcher: Dispatcher
    stages: Stages


class Courses:
    """The courses of a network on images that its runs share.

    Folds differ in their rows of the images and in their scales, which programs are told. Now and
    then they differ in the number of steps an epoch, which is built in.

    Args:
      network, config: what is trained, and how.
      images: what the training splits have their rows of.
    """

    def __init__(self, network: Network, config: Config, images: Placed, mesh: Mesh) -> None:
        self._network, self._config, self._images, self._mesh = network, config, images, mesh
        self._prepare = make_preparation(config.augmentation, network.num_classes)
        self._loss = make_loss(config.training)
        self._made: dict[int, Course] = {}
        self.recalibrate = make_recalibration(network, config, self._prepare, images, mesh)

    def of(self, examples: int) -> Course:
        """Return the course for a training split of so many examples."""
        plan = make_plan(self._config, examples)
        if plan.steps_per_epoch not in self._made:
            self._made[plan.steps_per_epoch] = self._course(plan)
        return self._made[plan.steps_per_epoch]

    def _course(self, plan: Plan) -> Course:
        settings = self._config.training
        stages = make_stages(self._network, self._config, plan.steps_per_epoch)
        optimizer = build_optimizer(self._config, plan.schedule, stages.parts)
        update = make_update(
            self._network, optimizer, self._config, self._prepare, self._loss, stages
        )
        dispatcher = Dispatcher(
            update,
            self._images,
            self._mesh,
            plan.steps_per_epoch,
            settings.batch_size,
            steps_per_dispatch(settings.steps_per_dispatch),
        )
        return Course(plan, optimizer, dispatcher, stages)
