"""The weights that are tested, and what is said where they are not those that were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from etils import epath

from lqjax.epochs import BEST
from lqjax.rows import Epoch
from lqjax.typing import Tree


class NothingToTestError(ValueError):
    """A run has no weights of a finished epoch that can be read; the message names the remedy."""


@dataclass(frozen=True)
class Tested:
    """The weights that are tested.

    Attributes:
      weights: `{"params": ..., "stats": ...}`.
      epoch: whose they are.
      asked: the epoch that is asked for; another one if its weights are lost.
    """

    weights: Tree
    epoch: Epoch
    asked: Epoch


def in_its_place(folder: epath.Path, asked: Epoch, found: Epoch, choice: str) -> str:
    """Say which epoch is tested in the place of one that cannot be, and how they compare."""
    was, now = (f"validation accuracy {e.validation_accuracy:.1%}" for e in (asked, found))
    which = "best" if choice == BEST else "last"
    return (
        f"warning: {folder} has no readable checkpoint {asked.step} of epoch {asked.epoch}, the"
        f" {which} one ({was}); epoch {found.epoch} ({now}) is used instead, the {which} of those"
        " that are left"
    )
