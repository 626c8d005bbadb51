"""A trace of a few training steps."""

from __future__ import annotations

from collections.abc import Callable

import jax
from etils import epath

from lqjax.training.staging import Staging

WARM_DISPATCHES = 3  # the first compiles, the next fill the queue of the device
TRACED_DISPATCHES = 3


class Profiler:
    """Writes one trace: after a few dispatches, of a few dispatches, by the first process.

    Args:
      folder: where the trace goes.
      active: whether to write one at all.
      say: prints a line.
    """

    def __init__(
        self, folder: epath.Path, active: bool, say: Callable[[str], None] = print
    ) -> None:
        self._folder, self._say = folder, say
        self._active = active and jax.process_index() == 0
        self._dispatches = self._first = 0
        self._staging: Staging | None = None

    def __enter__(self) -> Profiler:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_due(self) -> bool:
        """Whether the next `step` starts or ends the trace, which takes its time."""
        moments = (WARM_DISPATCHES, WARM_DISPATCHES + TRACED_DISPATCHES)
        return self._active and self._dispatches in moments

    def step(self, step: int) -> None:
        """Count a dispatch that is about to be made; start or end the trace when it is time.

        Args:
          step: how many steps are done or on their way.
        """
        if not self._active:
            return
        if self._dispatches == WARM_DISPATCHES:
            self._start(step)
        elif self._dispatches == WARM_DISPATCHES + TRACED_DISPATCHES:
            self.stop()
        self._dispatches += 1

    def close(self) -> None:
        """End the trace of a training that was shorter, and say so if there is none."""
        if self._staging is None and self._active:
            self._say(
                f"no trace was written: training ended after {self._dispatches} dispatches,"
                f" and tracing starts after {WARM_DISPATCHES}"
            )
        self.stop()
        self._active = False

    def stop(self) -> None:
        """End the trace that is under way, if one is: what follows are no steps."""
        if self._staging is None:
            return
        staging, self._staging, self._active = self._staging, None, False
        jax.profiler.stop_trace()
        staging.close()
        self._say(f"a trace from step {self._first:,} on is in {self._folder}")

    def _start(self, step: int) -> None:
        options = jax.profiler.ProfileOptions()
        options.python_tracer_level = 0  # tracing Python slows down what is to be seen
        staging = Staging(self._folder)
        try:
            jax.profiler.start_trace(
                staging.local, create_perfetto_trace=True, profiler_options=options
            )
        except RuntimeError as error:  # someone else is tracing, a profiler server for example
            staging.close()
            self._active = False
            self._say(f"no trace was written: {error}")
            return
        self._staging, self._first = staging, step
