"""What a writer of the log is, the registry of those that have a name, and how to make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lqjax.registry import Registry
from lqjax.workdir import Run

Values = Mapping[str, float]
"""Finite numbers by name, such as {"loss": 0.52}."""

Say = Callable[[str], None]
"""Prints a line where it does not disturb the progress bars."""


class Writer(Protocol):
    """Takes the log of one network after the other."""

    def start(self, run: Run, step: int) -> None:
        """Begin the log of a network, or go on with it.

        Args:
          run: folder, name and seed of the network.
          step: the last step that stands; 0 for a new run. What was written of later steps, by
            a run that was killed, will be written again.
        """

    def write(self, step: int, values: Values) -> None:
        """Take the values of a step; there may be several calls for one step."""

    def close(self) -> None:
        """End the log of the network; `start` may follow for another one."""


WRITERS: Registry[Callable[[Say], Writer]] = Registry("writer", "lqjax.training.writers")
"""Name -> what makes the writer; raises ValueError where a package is missing."""


@dataclass(frozen=True)
class Hook:
    """A writer made of functions."""

    start: Callable[[Run, int], Any]
    write: Callable[[int, Values], Any]
    close: Callable[[], Any]


def _nothing(*_: Any) -> None:
    """Stand in for what a hook does not have."""


def as_writer(thing: Any) -> Writer:
    """Make a writer of what a user passes.

    Args:
      thing: a function of (step, values), or an object with such a `write` and, where it needs
        them, `start(run, step)` and `close()`.

    Raises:
      ValueError: neither of the two.
    """
    write = getattr(thing, "write", thing)
    if isinstance(thing, type) or not callable(write):
        raise ValueError(
            f"{thing!r} is no writer; pass a function of (step, values) or an object with a method"
            " write(step, values); names of writers go into run.writers"
        )
    return Hook(getattr(thing, "start", _nothing), write, getattr(thing, "close", _nothing))


def build_writers(names: Sequence[str], say: Say) -> list[Writer]:
    """Make the named writers; nothing is written before `start`.

    Raises:
      ValueError: an unknown name, or a package that a writer needs is missing.
    """
    return [WRITERS[name](say) for name in names]


def check_writers(names: Sequence[str]) -> None:
    """Find out before training whether the writers of `run.writers` can be had.

    Raises:
      ValueError: an unknown name, or a package that a writer needs is missing.
    """
    build_writers(names, _nothing)
