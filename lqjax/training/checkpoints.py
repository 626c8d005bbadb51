"""Checkpoints of one training run: the latest and the best, written by Orbax."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from etils import epath
from orbax.checkpoint import checkpoint_managers

from lqjax.rows import Epoch
from lqjax.typing import Tree

MODEL, REST, RECORD = "model", "rest", "record"
MODEL_PARTS, REST_PARTS = ("params", "stats"), ("step", "optimizer")


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Pick the best epoch: highest validation accuracy, then lowest loss, then the earliest."""
    return min(history, key=lambda e: (-e.validation_accuracy, e.validation_loss, e.epoch))


class KeepBestAndLatest(checkpoint_managers.PreservationPolicy):
    """Tell Orbax which checkpoints to keep; `best` is set before each save."""

    best: int | None = None

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Mark the best checkpoint and the last one."""
        return [c.step == self.best or c is checkpoints[-1] for c in checkpoints]


class Checkpoints:
    """The checkpoints below one folder; a context manager that waits for what it writes.

    A checkpoint is named by its epoch and holds the whole state and the history so far. It
    appears at once, never in part, so that a run may be killed at any moment.

    Args:
      folder: where they lie; made when the first one is written.
      read_only: never change anything.
    """

    def __init__(self, folder: epath.Path, *, read_only: bool = False) -> None:
        self._policy = KeepBestAndLatest()
        options = ocp.CheckpointManagerOptions(
            preservation_policy=None if read_only else self._policy,
            cleanup_tmp_directories=not read_only,
            read_only=read_only,
            create=not read_only,
        )
        self._manager = ocp.CheckpointManager(
            epath.Path(folder).absolute() if "://" not in str(folder) else folder,
            options=options,
            item_handlers={
                # Weights hardly compress, and compression takes the cores that train.
                MODEL: ocp.PyTreeCheckpointHandler(use_compression=False),
                REST: ocp.PyTreeCheckpointHandler(use_compression=False),
                RECORD: ocp.JsonCheckpointHandler(),
            },
        )

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(self, *_: object) -> None:
        self._manager.close()

    def latest_epoch(self) -> int | None:
        """Number of the latest checkpoint; `None` when there is none."""
        return self._manager.latest_step()

    def save(self, state: Tree, history: Sequence[Epoch]) -> None:
        """Write the state after the last epoch of `history`, in the background."""
        state = _detached(state)
        self._policy.best = best_epoch(history).epoch
        self._manager.save(
            history[-1].epoch,
            args=ocp.args.Composite(
                **{
                    MODEL: ocp.args.PyTreeSave({part: state[part] for part in MODEL_PARTS}),
                    REST: ocp.args.PyTreeSave({part: state[part] for part in REST_PARTS}),
                    RECORD: ocp.args.JsonSave([dataclasses.asdict(e) for e in history]),
                }
            ),
        )

    def history(self, epoch: int) -> list[Epoch]:
        """Read the history that a checkpoint holds."""
        restored = self._manager.restore(
            epoch, args=ocp.args.Composite(**{RECORD: ocp.args.JsonRestore()})
        )
        return [Epoch(**values) for values in restored[RECORD]]

    def restore(self, epoch: int, abstract: Tree) -> Tree:
        """Read a whole state.

        Args:
          epoch: number of the checkpoint.
          abstract: `jax.ShapeDtypeStruct` with shardings for each array, as `abstract_state`.
        """
        model = self.restore_model(epoch, {part: abstract[part] for part in MODEL_PARTS})
        rest = self._restore(REST, epoch, {part: abstract[part] for part in REST_PARTS})
        return {**model, **rest}

    def restore_model(self, epoch: int, abstract: Tree) -> Tree:
        """Read `{"params": ..., "stats": ...}` only."""
        return self._restore(MODEL, epoch, abstract)

    def _restore(self, item: str, epoch: int, abstract: Tree) -> Tree:
        arguments = ocp.args.PyTreeRestore(
            abstract, restore_args=ocp.checkpoint_utils.construct_restore_args(abstract)
        )
        return self._manager.restore(epoch, args=ocp.args.Composite(**{item: arguments}))[item]


def _detached(state: Tree) -> Tree:
    # The next step donates these buffers while Orbax still reads them; on a CPU "copying to
    # the host" makes no copy, so one is made here.
    if jax.default_backend() != "cpu":
        return state
    return jax.tree.map(jnp.copy, state)
