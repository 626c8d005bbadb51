"""The training loop: epochs, validation, checkpoints, early stopping; the shell of the step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.data.pipeline import Placed, check_batch_size, epoch_order
from lqjax.models.network import Network
from lqjax.optim.building import build_optimizer, build_schedule
from lqjax.progress import Progress, Stage
from lqjax.rows import Epoch, write_lines
from lqjax.runtime import read, replicated
from lqjax.training.checkpoints import Checkpoints, best_epoch
from lqjax.training.measures import TrainMetrics
from lqjax.training.state import abstract_state, create_state
from lqjax.training.step import make_train_step
from lqjax.typing import Tree
from lqjax.workdir import Run

Validate = Callable[[Tree, Tree], tuple[float, float]]
"""(params, stats) -> (mean loss in nats, accuracy) on the validation split."""


class DivergedError(RuntimeError):
    """The loss is not finite; the message says where and what to try."""


@dataclass(frozen=True)
class Plan:
    """How many steps there are, and how the learning rate moves over them."""

    steps_per_epoch: int
    schedule: optax.Schedule

    def rate(self, step: int) -> float:
        """Return the learning rate of a step (steps count from 0)."""
        return float(self.schedule(step))


def make_plan(config: Config, examples: int) -> Plan:
    """Count the steps; the last, incomplete batch of an epoch is left out.

    Raises:
      ValueError: the batch is larger than the training split.
    """
    size = config.training.batch_size
    if examples < size:
        raise ValueError(
            f"training.batch_size={size} is larger than the {examples} training images;"
            f" choose at most {examples}"
        )
    steps = examples // size
    return Plan(steps, build_schedule(config, steps * config.training.epochs, steps))


def is_finished(config: Config, history: Sequence[Epoch]) -> bool:
    """Tell whether training is over: all epochs done, or patience at an end."""
    if not history:
        return False
    waited = history[-1].epoch - best_epoch(history).epoch
    return history[-1].epoch >= config.training.epochs or 0 < config.training.patience <= waited


class Trainer:
    """One network on its way through the epochs.

    Args:
      network, config, run: what is trained, how, and where its files lie.
      batches: the training split as the pipeline gives it.
      statistics: (mean, std) per channel of the training images.
      validate: measures the validation split.
    """

    def __init__(
        self,
        network: Network,
        config: Config,
        run: Run,
        batches: Placed,
        statistics: tuple[np.ndarray, np.ndarray],
        validate: Validate,
        mesh: Mesh,
    ) -> None:
        check_batch_size(config.training.batch_size, mesh.size, "training.batch_size")
        self.network, self.config, self.run = network, config, run
        self.batches, self.validate, self.mesh = batches, validate, mesh
        self.plan = make_plan(config, len(batches))
        self.optimizer = build_optimizer(config, self.plan.schedule)
        self._step = make_train_step(network, self.optimizer, config, statistics, mesh)

    def train(self, progress: Progress) -> list[Epoch]:
        """Train to the end, from the latest checkpoint if there is one.

        Returns:
          One record per epoch; the weights are in the checkpoints.

        Raises:
          DivergedError: the loss is not finite.
        """
        images = self.plan.steps_per_epoch * self.config.training.batch_size
        with Checkpoints(self.run.checkpoints) as checkpoints:
            latest = checkpoints.latest_epoch()
            history = [] if latest is None else checkpoints.history(latest)
            write_lines(history, self.run.history_path)
            if is_finished(self.config, history):
                return history
            state = self._start(checkpoints, latest)
            total = images * self.config.training.epochs
            title = f"train {self.network.name}"
            with progress.stage(title, total, images * len(history)) as stage:
                while not is_finished(self.config, history):
                    state, record = self._epoch(state, len(history) + 1, stage)
                    history.append(record)
                    checkpoints.save(state, history)
                    write_lines(history, self.run.history_path)
        return history

    def _start(self, checkpoints: Checkpoints, latest: int | None) -> Tree:
        if latest is None:
            return create_state(self.network, self.optimizer, self.config.run.seed, self.mesh)
        abstract = abstract_state(self.network, self.optimizer, self.mesh)
        return checkpoints.restore(latest, abstract)

    def _epoch(self, state: Tree, epoch: int, stage: Stage) -> tuple[Tree, Epoch]:
        size, steps = self.config.training.batch_size, self.plan.steps_per_epoch
        order = epoch_order(self.config.run.seed, epoch, len(self.batches))
        rows = [order[i * size : (i + 1) * size] for i in range(steps)]
        metrics = jax.device_put(TrainMetrics.empty(), replicated(self.mesh))
        started = warm = time.perf_counter()
        loss = None
        label = f"epoch {epoch}/{self.config.training.epochs}"
        stage.note(f"{label}, compiling" if epoch == 1 else label)
        for number, batch in enumerate(self.batches.batches(rows)):
            before, step = loss, (epoch - 1) * steps + number
            state, metrics, loss = self._step(state, metrics, *batch)
            # The loop reads the step before the one that it has just handed to the device.
            if before is not None:
                stage.note(f"{label}, loss {self._checked(before, step - 1):.3f}")
            if number == 0:
                jax.block_until_ready(loss)
                warm = time.perf_counter()
            stage.advance(size)
        self._checked(loss, epoch * steps - 1)
        trained = time.perf_counter()
        stage.note(f"{label}, validating")
        validation_loss, validation_accuracy = self.validate(state["params"], state["stats"])
        if not math.isfinite(validation_loss):  # the last update may have been the fatal one
            raise self._diverged(validation_loss, epoch * steps - 1)
        means = read(metrics.compute())
        return state, Epoch(
            model=self.network.name,
            seed=self.run.seed,
            fold=self.run.fold,
            epoch=epoch,
            step=epoch * steps,
            learning_rate=self.plan.rate(epoch * steps - 1),
            train_loss=float(means["loss"]),
            train_accuracy=float(means["accuracy"]),
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            images_per_second=_rate(size * (steps - 1), trained - warm),
            seconds=time.perf_counter() - started,
        )

    def _checked(self, loss: jax.Array | None, step: int) -> float:
        value = float(read(loss))
        if not math.isfinite(value):
            raise self._diverged(value, step)
        return value

    def _diverged(self, value: float, step: int) -> DivergedError:
        rate = self.plan.rate(step)
        return DivergedError(
            f"the loss of {self.network.name} became {value} at step {step} with learning rate"
            f" {rate:.3g}; try optimizer.learning_rate={rate / 10:.1g},"
            " optimizer.gradient_clip=1 or schedule.warmup_epochs=1"
        )


def _rate(images: int, seconds: float) -> float:
    return images / seconds if images and seconds > 0 else 0.0
