"""How fast training goes: images and waiting over the time that is spent training."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Seconds since some moment, never going back."""


@dataclass(frozen=True)
class Pace:
    """What a meter read over a stretch of training.

    Attributes:
      images_per_second: over all devices, and all runs that are trained as one program.
      input_wait_share: part of the time in which the loop waited for images, in [0, 1].
    """

    images_per_second: float
    input_wait_share: float


class Meter:
    """Measures training alone: it runs from one dispatch to the next, and stands while paused.

    The first dispatch after a reset only starts it, since that one includes compilation.

    Args:
      clock: seconds; `time.perf_counter` unless given.
    """

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget everything, as before the first dispatch."""
        self._since: float | None = None
        self._warm = False
        self._clear()

    def count(self, images: int, waited_seconds: float, done: float | None = None) -> None:
        """Count a dispatch: its images, the wait for them, and the time up to its end.

        Args:
          done: when it was, on the clock of the meter; now if left out. A pause since then has
            counted the time before it already.
        """
        done = self._clock() if done is None else done
        if self._since is not None:
            done = max(done, self._since)
            self._seconds += done - self._since
            self._images += images
            self._waited += waited_seconds
        self._since, self._warm = done, True

    def pause(self) -> None:
        """Stand still: what follows is not training."""
        if self._since is not None:
            self._seconds += self._clock() - self._since
            self._since = None

    def go_on(self) -> None:
        """Run again after a pause; before the first dispatch there is nothing to go on with."""
        if self._warm:
            self._since = self._clock()

    def take(self) -> Pace | None:
        """Read the pace since the last reading and start anew; `None` if nothing was counted."""
        images, seconds, waited = self._images, self._seconds, self._waited
        self._clear()
        if not images or seconds <= 0:
            return None
        return Pace(images / seconds, min(waited / seconds, 1.0))

    def _clear(self) -> None:
        self._images, self._seconds, self._waited = 0, 0.0, 0.0
