"""What a writer of the log is, the registry of those that have a name, and how to make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from lqjax.registry import Registry
from lqjax.variants import rate_of
from lqjax.workdir import Run

Values = Mapping[str, float]
"""Finite numbers by name, such as {"loss": 0.52}."""

Write = Callable[[int, Values], Any]
"""Takes the values of a step."""

Say = Callable[[str], None]
"""Prints a line where it does not disturb the progress bars."""


class Writer(Protocol):
    """Takes the log of one run after the other."""

    def start(self, run: Run, step: int) -> Any:
        """Begin the log of a run, or go on with it.

        Args:
          run: folder, model and seed.
          step: the last step that stands; 0 for a new run. What was written of later steps, by
            a run that was killed, will be written again.

        Returns:
          What takes the values of this run: an object with `write` and, where it needs it,
          `close`, or a function of (step, values). `None` for the writer itself, which then takes
          no other run before `close`.
        """

    def write(self, step: int, values: Values) -> None:
        """Take the values of a step; there may be several calls for one step."""

    def close(self) -> None:
        """End the log of the run; `start` may follow for another one."""


@runtime_checkable
class Completing(Protocol):
    """A writer that can put right the log of a run that is trained to its end already."""

    def complete(self, run: Run) -> None:
        """Add what a kill kept out of the log, from the history of the run."""


WRITERS: Registry[Callable[[Say], Writer]] = Registry("writer", "lqjax.training.writers")
"""Name -> what makes the writer; raises ValueError where a package is missing."""


@dataclass(frozen=True)
class Opened:
    """A writer that has been started: it takes the log of one run."""

    write: Write
    close: Callable[[], Any]


class Hook:
    """Starts a writer for one run after the other, or for several at once where it can take them.

    Args:
      thing: what `as_writer` takes.
    """

    def __init__(self, thing: Any) -> None:
        self._thing, self._busy_with = thing, ""
        self._write = _write_of(thing)
        self._start = getattr(thing, "start", None)
        self._close = getattr(thing, "close", None)

    def start(self, run: Run, step: int) -> Opened:
        """Begin the log of a run, or go on with it; arguments as for `Writer.start`.

        Raises:
          ValueError: the writer is in the middle of another run, or its `start` returned what
            takes no values.
        """
        if self._write and not (self._start or self._close):
            return Opened(_naming_the_run(self._write, run), _nothing)
        if self._busy_with:
            raise ValueError(
                f"{self._thing!r} takes one run at a time, and {run.title} is trained together"
                f" with {self._busy_with}; let its start(run, step) return an object with write and"
                " close for that run, or set run.seeds_together=never"
            )
        own = self._start(run, step) if self._start else None
        if self._write and (own is None or own is self._thing):
            self._busy_with = run.title
            return Opened(self._write, self._end)
        write = _write_of(own)
        if write is None:
            raise ValueError(
                f"start(run, step) of {self._thing!r} returned {own!r}, which takes no values;"
                " return an object with a method write(step, values), or None for the writer itself"
            )
        return Opened(write, getattr(own, "close", _nothing))

    def complete(self, run: Run) -> None:
        """Put the log of a finished run right, where the writer can; it is not started for it."""
        if isinstance(self._thing, Completing):
            self._thing.complete(run)

    def _end(self) -> None:
        self._busy_with = ""
        if self._close:
            self._close()


def _nothing(*_: Any) -> None:
    """Stand in for what a writer does not have."""


def _naming_the_run(write: Write, run: Run) -> Write:
    """Let a writer that is not told of runs tell several runs of a network apart."""
    rate = rate_of(run.model)
    names = {"peak_learning_rate": rate} if rate is not None else {}
    names |= {"seed": run.seed} if run.several_seeds else {}
    names |= {"fold": run.fold} if run.several_folds else {}
    return (lambda step, values: write(step, {**values, **names})) if names else write


def _write_of(thing: Any) -> Write | None:
    write = getattr(thing, "write", thing)
    return None if isinstance(thing, type) or not callable(write) else write


def as_writer(thing: Any) -> Hook:
    """Make ready for use what a user passes, once for all its runs.

    Args:
      thing: a function of (step, values), or an object with such a `write` and, where it needs
        them, `start(run, step)` and `close()`, as `Writer` has them. Without both it is not told
        of runs: where there are several, its values name the "seed", the "fold" and, with
        `run.learning_rates`, the "peak_learning_rate". Where `start` returns what takes the
        values of a run, it is enough.

    Raises:
      ValueError: none of these.
    """
    if isinstance(thing, Hook):
        return thing
    if isinstance(thing, type) or not (callable(getattr(thing, "start", None)) or _write_of(thing)):
        raise ValueError(
            f"{thing!r} is no writer; pass a function of (step, values) or an object with a method"
            " write(step, values); names of writers go into run.writers"
        )
    return Hook(thing)


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
