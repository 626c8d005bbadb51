"""The log of training: what is measured on the way, and handed to the writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import jax
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.models.network import Network
from lqjax.rows import Epoch
from lqjax.training.epoch_values import epoch_values, finite
from lqjax.training.meters import Clock, Meter
from lqjax.training.peak_memory import peak_memory
from lqjax.training.peaks import peak_flops, training_flops
from lqjax.training.writers.base import Hook, Opened, Values, as_writer, build_writers
from lqjax.workdir import Run


class TrainingLog:
    """Measures one network in training and writes a line every `run.log_every` steps.

    Only the first of several processes writes. Nothing here waits for the device or moves an
    array. Begin with `resume`.

    Args:
      run: folder of the network.
      config: its settings; `run.writers` names the writers.
      network: what is trained.
      mesh: the devices that share a batch.
      writers: more writers, as `as_writer` takes them.
      say: prints a line.
      clock: seconds.

    Raises:
      ValueError: an unknown writer, one that lacks a package, or, from `resume`, one that takes
        one run at a time and is in the middle of another.
    """

    def __init__(
        self,
        run: Run,
        config: Config,
        network: Network,
        mesh: Mesh,
        writers: Sequence[Any] = (),
        say: Callable[[str], None] = print,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._run, self._every, self._mesh = run, config.run.log_every, mesh
        self._meter = Meter(clock)
        whole = config.training.last_stages < 0  # the count of operations is that of all stages
        self._images_at_peak = _images_at_peak(network, mesh, config.model.dtype) if whole else None
        self._started = ExitStack()
        self._writers: list[Hook] = []
        self._opened: list[Opened] = []
        if jax.process_index() == 0:
            found = [*build_writers(config.run.writers, say), *writers]
            self._writers = [as_writer(writer) for writer in found]

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def resume(self, step: int) -> None:
        """Count from a step on, 0 for a new run; what a killed run wrote of later ones goes."""
        self._meter.reset()
        for writer in self._writers:
            opened = writer.start(self._run, step)
            self._started.callback(opened.close)
            self._opened.append(opened)

    def complete(self) -> None:
        """Add to the log of a finished run what a kill between its end and the log kept out."""
        for writer in self._writers:
            writer.complete(self._run)

    def dispatched(
        self,
        step: int,
        steps: int,
        images: int,
        loss: float,
        learning_rate: float,
        waited_seconds: float = 0.0,
        done: float | None = None,
    ) -> None:
        """Count a dispatch, after its loss has been read; write a line when one is due.

        Args:
          step: how many steps are done with this dispatch.
          steps: how many of them it made.
          images: how many images it trained on, over all devices and processes, and over all
            runs that are one program with this one.
          loss: training loss, nats.
          learning_rate: of its last step.
          waited_seconds: how long the loop waited for its images.
          done: when the devices were done with it, on the clock of the log; now if left out.
        """
        self._meter.count(images, waited_seconds, done)
        if step // self._every == (step - steps) // self._every:
            return
        values = {"loss": loss, "learning_rate": learning_rate, **self._pace()}
        self._write(step, {**values, **peak_memory(self._mesh.local_devices)})

    def epoch(self, record: Epoch) -> None:
        """Write what an epoch came to."""
        self._write(record.step, epoch_values(record))

    def paused(self) -> AbstractContextManager[Any]:
        """Stop counting time: validation, checkpoints and compilation are not training.

        Returns:
          What goes on counting at the end of a `with` block; without one, counting goes on with
          the next dispatch, whose own images are then left out.
        """
        self._meter.pause()
        pause = ExitStack()
        pause.callback(self._meter.go_on)
        return pause

    def close(self) -> None:
        """Close the writers."""
        self._opened = []
        self._started.close()

    def _pace(self) -> dict[str, float]:
        pace = self._meter.take()
        if pace is None:
            return {}
        values = {"images_per_second": pace.images_per_second}
        if self._images_at_peak:
            values["model_flops_utilisation"] = pace.images_per_second / self._images_at_peak
        return {**values, "input_wait_share": pace.input_wait_share}

    def _write(self, step: int, values: Values) -> None:
        for writer in self._opened:
            writer.write(step, finite(values))


def _images_at_peak(network: Network, mesh: Mesh, dtype: str) -> float | None:
    """Return how many images/s the devices could train on at most; `None` for unknown devices."""
    peak = peak_flops(mesh.devices.flat[0].device_kind, dtype)
    return None if peak is None else peak * mesh.size / training_flops(network)
