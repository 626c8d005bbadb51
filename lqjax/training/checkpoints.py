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
from etils import epath
from orbax.checkpoint import checkpoint_managers

from lqjax.distributed import decide, lost_another
from lqjax.stopping import patiently
from lqjax.training.aside import forget, give_back_missing, is_aside, put_aside
from lqjax.training.damage import UnreadableError, checksum, sealed, set_aside
from lqjax.training.fitting import structure_checksum
from lqjax.training.reading import MODEL, RECORD, REST, handlers, read_part, read_record, reason
from lqjax.training.record import Record, best_epoch
from lqjax.typing import Tree


class NotWrittenError(OSError):
    """A checkpoint could not be written; the message says why, and that earlier ones are whole."""


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
        self._manager = self._open()

    def _open(self) -> ocp.CheckpointManager:
        if not self._read_only:
            decide(lambda: give_back_missing(self.folder))
        options = ocp.CheckpointManagerOptions(
            preservation_policy=None if self._read_only else self._policy,
            cleanup_tmp_directories=not self._read_only,
            read_only=self._read_only,
            create=not self._read_only,
        )
        remote = "://" in str(self.folder)
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
        return sorted(self._manager.all_steps(), reverse=True)

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
        if record.history:
            # What is evaluated: the best epoch, or the last one.
            self._policy.needed = {best_epoch(record.history).step, record.history[-1].step}
        items = {
            MODEL: ocp.args.PyTreeSave(model),
            REST: ocp.args.PyTreeSave(rest),
            RECORD: ocp.args.JsonSave(sealed(dataclasses.asdict(record))),
        }
        with self._writing():
            replaces = decide(lambda: record.step in self._manager.all_steps())
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
                self._set_aside(steps, error)
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

    def _set_aside(self, steps: Sequence[int], error: UnreadableError) -> None:
        """Move the latest checkpoint out of the way, and say what is used instead."""
        step = steps[0]
        self._manager.close()
        moved = set_aside(self.folder, step)
        if decide(lambda: is_aside(self.folder, step)):
            instead = "the one it was to replace is used"
        elif len(steps) > 1:
            instead = "the one before it is used"
        else:
            instead = "no other is left"
        self._say(
            f"warning: checkpoint {step} is damaged ({error}) and was moved to {moved}; {instead}"
        )
        self._manager = self._open()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # a full disk comes as an error of the storage library
            raise NotWrittenError(
                f"no checkpoint could be written to {self.folder} ({reason(error)}); earlier ones"
                " are whole: make room and start the same command again"
            ) from error


def _detached(tree: Tree) -> Tree:
    # The next step donates these buffers while Orbax still reads them; on a CPU "copying to
    # the host" makes no copy, so one is made here.
    if jax.default_backend() != "cpu":
        return tree
    return jax.tree.map(jnp.copy, tree)
