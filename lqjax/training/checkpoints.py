"""Checkpoints of one training run: the best and the latest few, written by Orbax."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from absl import logging as absl_logging
from etils import epath
from orbax.checkpoint import checkpoint_managers

from lqjax.distributed import decide, lost_another
from lqjax.epochs import best_epoch, kept_epochs, tested_epoch
from lqjax.rows import Epoch
from lqjax.stopping import patiently
from lqjax.training.aside import forget, give_back_missing, is_aside, put_aside
from lqjax.training.damage import UnreadableError, checksum, sealed, set_aside
from lqjax.training.fitting import structure_checksum
from lqjax.training.reading import MODEL, RECORD, REST, handlers, read_part, read_record
from lqjax.training.record import Record
from lqjax.training.tested import Tested, in_its_place
from lqjax.training.unwritten import why_not_written
from lqjax.typing import Tree


class NotWrittenError(OSError):
    """A checkpoint could not be written; the message says why, and what is left."""


class KeepBestAndLatest(checkpoint_managers.PreservationPolicy):
    """Tell Orbax which checkpoints to keep: the latest, and the `needed` ones."""

    def __init__(self, latest: int) -> None:
        self.latest = latest
        self.needed: set[int] = set()

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Mark the needed checkpoints and the last ones."""
        kept = {c.step for c in checkpoints[-self.latest :]} | self.needed
        return [c.step in kept for c in checkpoints]


class Checkpoints:
    """The checkpoints below one folder; a context manager that waits for what it writes.

    A checkpoint is named by its step. `model` holds the weights that are evaluated, `rest` what
    else training needs, `record` what is known about it. It appears at once, never in part, so
    that a run may be killed at any moment.

    Args:
      folder: where they lie; made when the first one is written.
      keep: how many of the latest stay beside the best.
      read_only: never change anything.
      say: prints a warning.
    """

    def __init__(
        self,
        folder: epath.Path,
        *,
        keep: int = 1,
        read_only: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self.folder = folder
        self._policy, self._say, self._read_only = KeepBestAndLatest(keep), say, read_only
        self._damaged: set[int] = set()  # where nothing is moved out of the way
        self._manager = self._open()

    def _open(self) -> ocp.CheckpointManager:
        if not self._read_only:
            decide(lambda: give_back_missing(self.folder))
        remote = "://" in str(self.folder)
        with _quiet():
            options = ocp.CheckpointManagerOptions(
                preservation_policy=None if self._read_only else self._policy,
                cleanup_tmp_directories=not self._read_only,
                read_only=self._read_only,
                create=not self._read_only,
            )
            return ocp.CheckpointManager(
                self.folder if remote else epath.Path(self.folder).absolute(),
                options=options,
                item_handlers=handlers(),
            )

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        if error is None:
            with self._writing():
                self._manager.close()
            return
        if lost_another(error):  # closing would wait for the process that is gone
            return
        # The first error is the one to tell; asked to stop, what is being written is waited for.
        with patiently(), suppress(Exception):
            self._manager.close()

    def steps(self) -> list[int]:
        """List the steps of which there are checkpoints, the latest first."""
        return sorted(set(self._manager.all_steps()) - self._damaged, reverse=True)

    def save(self, model: Tree, rest: Tree, record: Record) -> None:
        """Write a state, in the background; an earlier checkpoint of the same step is replaced.

        Args:
          model: the weights that are evaluated.
          rest: from `lqjax.training.state.to_rest`.
          record: its checksums and structures are filled in here.

        Raises:
          NotWrittenError: this one or the one before could not be written.
        """
        model, rest = _detached(model), _detached(rest)
        parts = {MODEL: model, REST: rest}
        record = dataclasses.replace(
            record,
            checksums={name: checksum(part) for name, part in parts.items()},
            structures={name: structure_checksum(part) for name, part in parts.items()},
        )
        steps = decide(self.steps)
        if kept := kept_epochs(record.history, [*steps, record.step]):
            # What is evaluated: the best epoch that is not lost, or the last one.
            self._policy.needed = {best_epoch(kept).step, kept[-1].step}
        items = {
            MODEL: ocp.args.PyTreeSave(model),
            REST: ocp.args.PyTreeSave(rest),
            RECORD: ocp.args.JsonSave(sealed(dataclasses.asdict(record))),
        }
        with self._writing():
            replaces = record.step in steps
            if replaces:
                self._manager.wait_until_finished()
                decide(lambda: put_aside(self.folder, record.step))
                self._manager.reload()
            self._manager.save(record.step, args=ocp.args.Composite(**items))
            if replaces:
                self._manager.wait_until_finished()
                decide(lambda: forget(self.folder, record.step))

    def go_back(self, step: int) -> bool:
        """Remove what is later than a step; false, and nothing is removed, if it has none."""
        steps = decide(self.steps)
        if step not in steps:
            return False
        for later in steps[: steps.index(step)]:
            self._manager.delete(later)
        return True

    def finish(self) -> None:
        """Wait until everything is written.

        Raises:
          NotWrittenError: it could not be.
        """
        with self._writing():
            self._manager.wait_until_finished()

    def record(self, step: int) -> Record:
        """Read what a checkpoint says about itself.

        Raises:
          UnreadableError: it is damaged.
          ValueError: a later version wrote it.
        """
        self.finish()
        return read_record(self.folder / str(step))

    def latest(self, abstract_model: Tree, abstract_rest: Tree) -> tuple[Tree, Tree, Record] | None:
        """Read the latest checkpoint that is whole: `(model, rest, record)`, `None` without any.

        One that cannot be read is moved aside, with a warning, and the one before is taken.

        Args:
          abstract_model, abstract_rest: `jax.ShapeDtypeStruct` with shardings for each array.

        Raises:
          ValueError: the checkpoint is of another network, or a later version wrote it.
        """
        while steps := decide(self.steps):
            step, folder = steps[0], self.folder / str(steps[0])
            try:
                record = self.record(step)
                # The weights first: where they do not fit, they say best what is different.
                model = read_part(folder, MODEL, abstract_model, record)
                rest = read_part(folder, REST, abstract_rest, record)
            except UnreadableError as error:
                self._set_aside(step, error, self._instead(steps))
                continue
            if not self._read_only:
                decide(functools.partial(forget, self.folder, step))
            return model, rest, record
        return None

    def model(self, step: int, abstract: Tree) -> Tree:
        """Read the weights that are evaluated, `{"params": ..., "stats": ...}`.

        Raises:
          UnreadableError: the checkpoint is damaged.
          ValueError: it is of another network, or a later version wrote it.
        """
        return read_part(self.folder / str(step), MODEL, abstract, self.record(step))

    def tested(self, choice: str, abstract: Tree) -> Tested | None:
        """Read the weights that are tested, `None` where those of no epoch can be read.

        Where those of the epoch that is asked for cannot be read, they are moved aside and the
        best (or the last) of the other epochs that have a checkpoint takes its place; a warning
        names both.

        Args:
          choice: as `evaluation.checkpoint`, "best" or "latest".
          abstract: as in `latest`, for `{"params": ..., "stats": ...}`.

        Raises:
          ValueError: the checkpoint is of another network, or another version wrote it.
        """
        known: Sequence[Epoch] = ()
        while steps := decide(self.steps):
            step, instead = steps[0], self._instead(steps)
            try:
                history = self.record(step).history
                known = max(known, history, key=len)  # what is moved aside is not forgotten
                kept = kept_epochs(history, steps)
                if not kept:
                    return None
                asked, epoch = tested_epoch(known, choice), tested_epoch(kept, choice)
                step, instead = epoch.step, f"it has the weights of epoch {epoch.epoch}"
                weights = self.model(step, abstract)
            except UnreadableError as error:
                self._set_aside(step, error, instead)
                continue
            if epoch != asked:
                self._say(in_its_place(self.folder, asked, epoch, choice))
            return Tested(weights, epoch, asked)
        return None

    def _instead(self, steps: Sequence[int]) -> str:
        """Say what is used where the latest checkpoint is damaged."""
        if decide(lambda: is_aside(self.folder, steps[0])):
            return "the one it was to replace is used"
        return "the one before it is used" if len(steps) > 1 else "no other is left"

    def _set_aside(self, step: int, error: UnreadableError, more: str) -> None:
        """Move a checkpoint out of the way, and say so; who only reads leaves it out."""
        if self._read_only:
            self._damaged.add(step)
            self._say(f"warning: checkpoint {step} is damaged ({error}); {more}")
            return
        self._manager.close()
        moved = set_aside(self.folder, step)
        self._say(
            f"warning: checkpoint {step} is damaged ({error}) and was moved to {moved}; {more}"
        )
        self._manager = self._open()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # a full disk comes as an error of the storage library
            raise NotWrittenError(why_not_written(self.folder, error)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Orbax from warning that what is only read is only read."""
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(min(before, absl_logging.ERROR))
    try:
        yield
    finally:
        absl_logging.set_verbosity(before)


def _detached(tree: Tree) -> Tree:
    # The next step donates these buffers while Orbax still reads them; on a CPU "copying to
    # the host" makes no copy, so one is made here.
    if jax.default_backend() != "cpu":
        return tree
    return jax.tree.map(jnp.copy, tree)
