"""A dispatch on its way: what is known of it until its loss is read."""

from __future__ import annotations

from dataclasses import dataclass

import jax


@dataclass
class Handed:
    """A dispatch that the devices have got: its loss is read when the next one was handed over.

    Attributes:
      loss: on the devices.
      step: how many steps are done with it.
      steps: how many of them it made.
      waited: seconds that the loop waited for images before it, or while it was under way.
      done: the first moment at which it was seen to be over, on the clock of the loop. On a CPU
        that is as soon as it has been handed over: the time from there until its loss is read,
        after the next one, is the next one's.
    """

    loss: jax.Array
    step: int
    steps: int
    waited: float
    done: float | None = None

    def look(self, moment: float) -> None:
        """Note that it is over at a moment, if it is and was not before."""
        if self.done is None and self.loss.is_ready():  # type: ignore[attr-defined]  # not in its stub
            self.done = moment
