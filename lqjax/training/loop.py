"""The training loop: epochs, validation, checkpoints, early stopping; the shell of the step."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.data.batch import Placed
from lqjax.data.order import check_batch_size
from lqjax.distributed import several_processes
from lqjax.models.network import Network
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.building import peak_rate
from lqjax.progress import Progress, Stage
from lqjax.rows import Epoch
from lqjax.settings import replace_at
from lqjax.stopping import SAVES_FIRST, at_once, patiently
from lqjax.training.accumulation import check_accumulation
from lqjax.training.cached_features import on_features
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.closing import close_epoch, epoch_record
from lqjax.training.courses import Courses
from lqjax.training.dispatch import Dispatcher
from lqjax.training.keeper import Keeper
from lqjax.training.log import TrainingLog
from lqjax.training.machine import machine_of, other_machine
from lqjax.training.material import Material
from lqjax.training.passage import Passage
from lqjax.training.position import Position, stacked
from lqjax.training.profiling import Profiler
from lqjax.training.record import Record
from lqjax.training.resolved import resolved_settings
from lqjax.training.room import in_one_line
from lqjax.training.several import count_runs
from lqjax.training.stages import keeps_features
from lqjax.training.state import (
    NOTHING_GIVEN,
    abstract_items,
    abstract_state,
    create_state,
    evaluation_weights,
    from_items,
)
from lqjax.training.writers.base import as_writer
from lqjax.typing import Tree
from lqjax.variants import rate_of
from lqjax.workdir import Run


def _in_step(states: Sequence[Tree], step: int) -> Tree:
    """Stack states for one program, which counts by the first: a finished run stands elsewhere."""
    state = stacked(states)
    return state if len(states) == 1 else {**state, "step": jnp.full_like(state["step"], step)}


class UnequalStepsError(ValueError):
    """Runs that stand at different steps cannot be trained as one program."""


class Trainer:
    """One network on its way through the epochs.

    Args:
      network, config, run: what is trained, how, and where its files lie.
      images: as the pipeline gives them.
      materials: by fold, which of the images are trained on.
      writers: writers of the log beside those that the settings name.
    """

    def __init__(
        self,
        network: Network,
        config: Config,
        run: Run,
        images: Placed,
        materials: Mapping[int, Material],
        mesh: Mesh,
        writers: Sequence[Any] = (),
        start: Callable[[Run], Mapping[str, np.ndarray]] = lambda run: NOTHING_GIVEN,
    ) -> None:
        size = config.training.batch_size
        check_batch_size(size, mesh.size, "training.batch_size")
        check_accumulation(size, config.training.accumulation, mesh.size)
        self.network, self.config, self.start = network, config, start
        self.images, self.materials, self.mesh = images, materials, mesh
        self.writers = [as_writer(writer) for writer in writers]
        self._courses = Courses(network, config, images, mesh)
        self._take([run])

    def with_runs(self, runs: Sequence[Run]) -> Trainer:
        """Return a trainer of the same network for other folders: their seeds, folds and rates.

        One run shares what is compiled: programs depend neither on the seed nor on the rate, and
        on the fold by its number of steps only. Several runs, whose numbers of steps are equal,
        are trained as one program, each with its own state, order, scales and randomness.
        """
        made = copy.copy(self)
        several = max(len({run.seed for run in runs}), len(self.config.seeds)) > 1
        made._take([dataclasses.replace(run, several_seeds=several) for run in runs])
        return made

    def steps_per_epoch(self, run: Run) -> int:
        """Count the steps of an epoch of a run."""
        return self._courses.of(len(self.materials[run.fold])).plan.steps_per_epoch

    def _take(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        course = self._courses.of(len(self.materials[runs[0].fold]))
        self.plan, self.optimizer = course.plan, course.optimizer
        self._dispatcher = course.dispatcher.of_several(len(runs))

    def train(self, progress: Progress, checks_room: bool = False) -> list[list[Epoch]]:
        """Train to the end, from the latest checkpoints if there are any.

        Args:
          checks_room: compare the memory that the step needs with what there is, before it runs.

        Returns:
          One record per epoch for each run; the weights are in the checkpoints.

        Raises:
          DivergedError: the loss is not finite.
          NotWrittenError: a checkpoint could not be written.
          TooLargeError: the device has no memory for the first step; nothing was trained.
          UnequalStepsError: several runs do not stand at the same step.
        """
        with ExitStack() as stack:
            with in_one_line():
                at = self._start(stack, progress)
            for keeper in at.keepers:
                keeper.run.write_history(keeper.history)
                if keeper.finished:
                    keeper.log.complete()
            if not at.finished:
                self._to_the_end(at, stack, progress, checks_room)
            elif self.config.run.profile:
                progress.say(f"no trace was written: {self._title} is trained to its end already")
        return [keeper.history for keeper in at.keepers]

    def _to_the_end(
        self, at: Position, stack: ExitStack, progress: Progress, checks_room: bool
    ) -> None:
        folder, profile = self.runs[0].root / "trace", self.config.run.profile
        profiler = stack.enter_context(Profiler(folder, profile, progress.say))
        for keeper in at.keepers:
            if not keeper.finished:
                keeper.log.resume(at.step)
        size = self.config.training.batch_size * len(at.keepers)
        total = self.plan.steps_per_epoch * size * self.config.training.epochs
        count, titles = len(self.runs), [run.title for run in self.runs]
        with progress.stage(f"train {self._title}", total, at.step * size, count) as stage:
            passage = Passage(
                self.config,
                self.plan,
                self._dispatcher_for(at, stage),
                self.mesh,
                titles,
                profiler,
                stage,
                checks_room,
                progress.say,
            )
            while not at.finished:
                self._epoch(at, passage, stage)

    def _dispatcher_for(self, at: Position, stage: Stage) -> Dispatcher:
        """Return what makes the steps; of a head alone, from features that are computed here."""
        if len(at.keepers) > 1 or not keeps_features(self.network, self.config):
            return self._dispatcher
        stage.note("computing features once")
        keeper = at.keepers[0]
        course = self._courses.of(len(keeper.material))
        with in_one_line():
            dispatcher, keeper.material = on_features(
                self.network, self.config, course, self.images, self.mesh, at.state, keeper.material
            )
        return dispatcher

    @property
    def _title(self) -> str:
        several = f"{self.network.name}, {count_runs(self.runs)}"
        return several if len(self.runs) > 1 else self.runs[0].title

    def _start(self, stack: ExitStack, progress: Progress) -> Position:
        opened = []
        for run in self.runs:
            keeper = self._open(run, self._settings_of(run), stack, progress)
            opened.append((keeper, *self._restored(keeper, progress)))
        steps = sorted({record.step for keeper, _, record in opened if not keeper.finished})
        if len(steps) > 1:  # one of them was saved, and the next was not any more
            behind = f"the runs stand at the steps {steps}"
            opened = [(keeper, *self._back(keeper, steps[0], behind)) for keeper, *_ in opened]
        keepers, states, records = zip(*opened, strict=True)
        # A checkpoint within an epoch and that of its end may be of one step: an epoch would be
        # missing in the history of the run whose later one was not written any more.
        if len({len(keeper.history) for keeper in keepers if not keeper.finished}) > 1:
            raise UnequalStepsError("the runs have finished different epochs")
        step = steps[0] if steps else max(record.step for record in records)
        seconds = sum(record.seconds for record in records)  # each keeps its share
        return Position(_in_step(states, step), step, seconds, list(keepers))

    def _settings_of(self, run: Run) -> Config:
        config = replace_at(self.config, "run.seed", run.seed)
        rate = rate_of(run.model)
        return config if rate is None else replace_at(config, "optimizer.learning_rate", rate)

    def _open(self, run: Run, config: Config, stack: ExitStack, progress: Progress) -> Keeper:
        keep, say = config.training.keep_checkpoints, progress.say
        checkpoints = stack.enter_context(Checkpoints(run.checkpoints, keep=keep, say=say))
        log = TrainingLog(run, config, self.network, self.mesh, self.writers, say)
        stack.enter_context(log)
        ratio = peak_rate(config) / peak_rate(self.config)
        material, machine = self.materials[run.fold], machine_of(self.mesh)
        resolved = resolved_settings(config, self.network)
        return Keeper(run, config, material, checkpoints, log, [], machine, resolved, ratio)

    def _back(self, keeper: Keeper, step: int, behind: str) -> tuple[Tree, Record]:
        """Restore a run at a step that others stand at; one that is finished stays what it is."""
        if not keeper.finished and not keeper.checkpoints.go_back(step):
            raise UnequalStepsError(behind)
        state, record = self._restored(keeper)
        if not keeper.finished and record.step != step:
            raise UnequalStepsError(behind)
        return state, record

    def _restored(self, keeper: Keeper, progress: Progress | None = None) -> tuple[Tree, Record]:
        """Read the latest checkpoint of a run, and its history; begin where there is none."""
        config = keeper.config
        abstract = abstract_state(self.network, self.optimizer, config, self.mesh)
        items = abstract_items(abstract, config, self.mesh)
        found = keeper.checkpoints.latest(*items)
        if found is None:
            given = self.start(keeper.run)
            state = create_state(self.network, self.optimizer, config, self.mesh, given)
            return state, Record(0, ())
        model, rest, record = found
        keeper.history[:] = record.history
        if progress:  # told now, not when all the training is done
            keeper.checkpoints.tested(config.evaluation.checkpoint, items[0])
        said = other_machine(self.network.name, record.machine, keeper.machine)
        if progress and said and not keeper.finished:
            progress.say(said)
        return from_items(model, rest, config), record

    def _epoch(self, at: Position, passage: Passage, stage: Stage) -> None:
        """Train to the end of the epoch, validate, and keep what came of it."""
        began = time.perf_counter() - at.seconds
        label = f"epoch {at.epoch}/{self.config.training.epochs}"
        with patiently(), ExitStack() as pauses:  # only validation can be left at any moment
            pace = passage.run(at, label)
            at.seconds = time.perf_counter() - began
            open_ones = at.open_ones
            for number in open_ones:
                pauses.enter_context(at.keepers[number].log.paused())
            stage.note(f"{label}, validating")
            weights, made = self._validated(at, open_ones, passage)
            for number in [n for n, (loss, _) in made.items() if not math.isfinite(loss)]:
                # the last update may have been the fatal one
                passage.give_up(at, number, made.pop(number)[0], at.step - 1)
                del weights[number]
            if not made:
                return
            share = (time.perf_counter() - began) / len(made)
            records = {
                number: epoch_record(at, number, found, passage, pace, share)
                for number, found in made.items()
            }
            close_epoch(at, records, weights, passage)

    def _validated(
        self, at: Position, open_ones: Sequence[int], passage: Passage
    ) -> tuple[dict[int, Tree], dict[int, tuple[float, float]]]:
        """Validate the runs that are not finished: their weights, and (loss, accuracy)."""
        weights, made = {}, {}
        try:
            with at_once():
                for number in open_ones:
                    found = weights[number] = self._weights(at, number)
                    validate = at.keepers[number].material.validate
                    made[number] = validate(found["params"], found["stats"])
        except BaseException as error:
            # Asked to stop: the steps of the epoch are kept, unless other processes had to help.
            if not isinstance(error, Exception) and not several_processes():
                passage.say(SAVES_FIRST)
                passage.save(at)  # the request is repeated, and does not cut the save short
            raise
        return weights, made

    def _weights(self, at: Position, number: int) -> Tree:
        weights = evaluation_weights(at.state_of(number), self.config)
        if not OPTIMIZERS[self.config.optimizer.name].averages:
            return weights
        keeper = at.keepers[number]
        stats = self._courses.recalibrate(
            weights["params"], weights["stats"], keeper.material, keeper.run.seed, at.epoch
        )
        return {**weights, "stats": stats}
