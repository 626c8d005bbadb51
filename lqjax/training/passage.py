"""The way through one epoch: dispatch after dispatch, read one late, saved on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.distributed import decide, several_processes, stop_requested
from lqjax.optim.building import resolve
from lqjax.progress import Stage
from lqjax.runtime import read, replicated
from lqjax.stopping import Terminated, asked_to_stop, patiently, raise_if_asked
from lqjax.training.dispatch import Dispatch, Dispatcher
from lqjax.training.handed import Handed
from lqjax.training.measures import no_measures
from lqjax.training.plan import Plan
from lqjax.training.position import Position, stacked
from lqjax.training.profiling import Profiler
from lqjax.training.room import in_one_line
from lqjax.training.scales import Scales
from lqjax.training.state import evaluation_weights
from lqjax.typing import Tree
from lqjax.variants import rate_of

SECONDS_PER_MINUTE = 60


class DivergedError(RuntimeError):
    """The loss is not finite; the message says where and what to try."""


class Passage:
    """Takes a position through the steps of its epochs.

    Args:
      config, plan, dispatcher, mesh: what is done, and on what.
      titles: what to call the runs.
      profiler, stage: who traces and shows it.
      checks_room: compare the memory that the program needs with what there is, before it runs.
      say: prints a line.
    """

    def __init__(
        self,
        config: Config,
        plan: Plan,
        dispatcher: Dispatcher,
        mesh: Mesh,
        titles: Sequence[str],
        profiler: Profiler,
        stage: Stage,
        checks_room: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.say = say
        self.config, self.plan, self.dispatcher, self.mesh = config, plan, dispatcher, mesh
        self.titles, self.profiler, self.stage = titles, profiler, stage
        self._saved, self._checks_room = time.perf_counter(), checks_room
        self._first, self._rates, self._warm = 0, np.zeros((1, 0)), False
        self._given_up, self._apart = False, 0.0

    def run(self, at: Position, label: str) -> float:
        """Make the steps that are left of the epoch, or those until no run is left.

        Returns:
          Images per second of all runs, without checkpoints, the making of a trace and the
          dispatch that compiled; 0 if that was all.

        Raises:
          DivergedError: the loss is not finite.
          TooLargeError: the first step does not fit the device, and was not made.
        """
        began = time.perf_counter() - at.seconds
        dispatches, factor, scales = self._begin(at)
        handed: Handed | None = None
        first_step, started, self._apart = at.step, time.perf_counter(), 0.0
        self.stage.note(label if self._warm else f"{label}, compiling")
        with patiently():
            while not self._given_up and (found := self._next(dispatches, handed)) is not None:
                dispatch, waited = found
                self._trace(at, handed)
                before, handed = handed, self._hand_over(at, dispatch, factor, scales, waited)
                if before is not None:
                    self._report(at, before, label)
                if not self._warm:
                    self._warm, first_step, started = True, at.step, time.perf_counter()
                    self._apart = 0.0
                self.stage.advance(dispatch.steps * self._images_per_step(at))
                at.seconds = time.perf_counter() - began
                if self._keeps_what_is_done(at, handed, label):
                    handed = None
            if handed is not None:
                self._report(at, handed, label)
            with self._not_training(at):
                self.profiler.stop()
            if self._asked():  # while the last steps were waited for
                self._save_and_stop(at)
        seconds, steps = time.perf_counter() - started - self._apart, at.step - first_step
        return steps * self._images_per_step(at) / seconds if steps and seconds > 0 else 0.0

    def save(self, at: Position) -> None:
        """Write a checkpoint within an epoch, and wait until it is written; it is not training."""
        with self._not_training(at):
            self.profiler.stop()
            self._write(at)
        self._saved = time.perf_counter()

    @contextmanager
    def _not_training(self, at: Position) -> Iterator[None]:
        """Leave what is done meanwhile out of the images per second."""
        began = time.perf_counter()
        with ExitStack() as pauses:
            for number in at.open_ones:
                pauses.enter_context(at.keepers[number].log.paused())
            yield
        self._apart += time.perf_counter() - began

    def _trace(self, at: Position, handed: Handed | None) -> None:
        """Count a dispatch for the profiler; while it starts or ends a trace, none is under way."""
        if not self.profiler.is_due:
            self.profiler.step(at.step)
            return
        if handed is not None:
            jax.block_until_ready(handed.loss)
            handed.look(time.perf_counter())
        with self._not_training(at):
            self.profiler.step(at.step)

    @staticmethod
    def _write(at: Position) -> None:
        share = at.seconds / max(sum(not keeper.finished for keeper in at.keepers), 1)
        for number, keeper in enumerate(at.keepers):
            if not keeper.finished:
                state = at.state_of(number)
                weights = evaluation_weights(state, keeper.config)
                keeper.save(state, weights, at.step, share)
        for keeper in at.keepers:
            keeper.checkpoints.finish()

    def close_epoch(self, at: Position, weights: Mapping[int, Tree]) -> None:
        """Begin the sums of the next epoch and write checkpoints in the background.

        Args:
          weights: of the runs that were validated, by number: what is to be evaluated.
        """
        empty = stacked([no_measures()] * len(at.keepers))
        at.state = {**at.state, "metrics": jax.device_put(empty, replicated(self.mesh))}
        at.seconds = 0.0
        for number, evaluated in weights.items():
            at.keepers[number].save(at.state_of(number), evaluated, at.step, at.seconds)
        self._saved = time.perf_counter()

    def rate(self, step: int, number: int = 0) -> float:
        """Return the learning rate of a step of the current epoch, in one of the runs."""
        return float(self._rates[number, step - self._first])

    def give_up(self, at: Position, number: int, value: float, step: int) -> None:
        """End a run whose loss became infinite or NaN; other learning rates go on.

        Raises:
          DivergedError: it is not one of several learning rates.
        """
        keeper = at.keepers[number]
        if not keeper.is_one_rate_of_several:
            raise self.diverged(value, step, number)
        rate = self.rate(step, number)
        keeper.diverge(step, rate, value)
        self.say(
            f"warning: {self.titles[number]} is marked as diverged (loss {value} at step {step},"
            f" learning rate {rate:.3g}); the other learning rates go on"
        )
        self._given_up = at.finished

    def diverged(self, value: float, step: int, number: int = 0) -> DivergedError:
        """Say that the loss of one of the runs became infinite or NaN."""
        rate, peak = self.rate(step, number), rate_of(self.titles[number])
        # A tenth of what was asked for: the rate of a step is warmed up, and scaled with the batch.
        lower = f"optimizer.learning_rate={resolve(self.config.optimizer).learning_rate / 10:.1g}"
        if peak is not None:  # one of several, which may be left out of a directory
            lower = f"run.learning_rates without {peak:g}"
        return DivergedError(
            f"the loss of {self.titles[number]} became {value} at step {step} with learning rate"
            f" {rate:.3g}; try {lower}, optimizer.gradient_clip=1 or schedule.warmup_epochs=0.5"
        )

    def _begin(self, at: Position) -> tuple[Iterator[Dispatch], jax.Array, Scales]:
        """Draw the order of the epoch and put on the devices what its steps need."""
        epoch, count = at.epoch, self.plan.steps_per_epoch
        factors = np.array([keeper.factor() for keeper in at.keepers])
        self._first = (epoch - 1) * count
        self._rates = factors[:, None] * self.plan.rates(self._first, count)[None]
        whole = count * self.config.training.batch_size  # of folds one may have an image more
        orders = [keeper.order(epoch)[:whole] for keeper in at.keepers]
        alone = len(at.keepers) == 1
        order, factor = (orders[0], factors[0]) if alone else (np.stack(orders), factors)
        placed = jax.device_put(jnp.asarray(factor), replicated(self.mesh))
        scales = stacked([keeper.material.scales for keeper in at.keepers])
        first = at.step - self._first
        return self.dispatcher.dispatches(order, first, scales), placed, scales

    def _hand_over(
        self, at: Position, dispatch: Dispatch, factor: jax.Array, scales: Scales, waited: float
    ) -> Handed:
        """Run a dispatch; the first is waited for, so that running out of memory shows there."""
        if self._warm:
            at.state, loss = dispatch.run(at.state, factor)
        else:
            with in_one_line():
                if self._checks_room:
                    self.dispatcher.check_room(at.state, factor, scales)
                at.state, loss = jax.block_until_ready(dispatch.run(at.state, factor))
        at.step += dispatch.steps
        handed = Handed(loss, at.step, dispatch.steps, waited)
        handed.look(time.perf_counter())
        return handed

    def _images_per_step(self, at: Position) -> int:
        return self.config.training.batch_size * len(at.keepers)

    @staticmethod
    def _next(
        dispatches: Iterator[Dispatch], handed: Handed | None
    ) -> tuple[Dispatch, float] | None:
        """Wait for the next dispatch; the wait counts with the step that is under way, if any."""
        asked = time.perf_counter()
        if handed is not None:
            handed.look(asked)
        dispatch = next(dispatches, None)
        waited = time.perf_counter() - asked
        if handed is not None and handed.done is None:
            handed.waited, waited = handed.waited + waited, 0.0
        return None if dispatch is None else (dispatch, waited)

    def _report(self, at: Position, handed: Handed, label: str) -> None:
        """Read the loss of a dispatch: the only transfer in the loop."""
        values, last = np.atleast_1d(read(handed.loss)), handed.step - 1
        handed.look(time.perf_counter())
        for number, keeper in enumerate(at.keepers):
            value = float(values[number])
            if keeper.finished:
                continue
            if not math.isfinite(value):
                self.give_up(at, number, value, last)
                continue
            images = handed.steps * self._images_per_step(at)  # of all runs: it took all of them
            rate = self.rate(last, number)
            keeper.log.dispatched(
                handed.step, handed.steps, images, value, rate, handed.waited, handed.done
            )
        going = [values[n] for n, keeper in enumerate(at.keepers) if not keeper.finished]
        if going:
            self.stage.note(f"{label}, loss {float(np.mean(going)):.3f}")

    def _keeps_what_is_done(self, at: Position, handed: Handed, label: str) -> bool:
        """Write a checkpoint where it is time for one, and stop where that was asked for."""
        stops = self._asked()
        if not (stops or self._is_due(handed)):
            return False
        self._report(at, handed, label)
        if stops:
            self._save_and_stop(at)
        self.save(at)
        raise_if_asked()
        return True

    @staticmethod
    def _asked() -> bool:
        """Tell whether this process or another one was asked to stop."""
        return stop_requested() if several_processes() else asked_to_stop()

    def _save_and_stop(self, at: Position) -> None:
        self.save(at)
        raise_if_asked()
        raise Terminated  # another process was asked

    def _is_due(self, handed: Handed) -> bool:
        """Tell whether the last checkpoint is long ago.

        Several processes agree on it, when a multiple of `run.log_every` steps was passed only,
        since that takes a message between them.
        """
        minutes = self.config.training.checkpoint_minutes

        def due() -> bool:
            return 0 < minutes * SECONDS_PER_MINUTE <= time.perf_counter() - self._saved

        if not several_processes():
            return due()
        return passed(handed.step, handed.steps, self.config.run.log_every) and bool(decide(due))


def passed(step: int, steps: int, every: int) -> bool:
    """Tell whether the last `steps` of `step` steps passed or reached a multiple of `every`."""
    return step // every != (step - steps) // every
