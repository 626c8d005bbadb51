"""How far a training has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from lqjax.training.keeper import Keeper
from lqjax.typing import Tree


@dataclass
class Position:
    """The state of one run, or of several that are trained as one program.

    Attributes:
      state: the training state; of several runs stacked along a new leading axis.
      step: steps made.
      seconds: time spent in the epoch that is not finished.
      keepers: the runs.
    """

    state: Tree
    step: int
    seconds: float
    keepers: Sequence[Keeper]

    @property
    def epoch(self) -> int:
        """Number of the epoch that is under way, from 1; what is finished stands elsewhere."""
        going = [self.keepers[number] for number in self.open_ones]
        return max(len(keeper.history) for keeper in going or self.keepers) + 1

    @property
    def open_ones(self) -> list[int]:
        """Numbers of the runs that are not finished."""
        return [number for number, keeper in enumerate(self.keepers) if not keeper.finished]

    @property
    def finished(self) -> bool:
        """Whether every run is."""
        return all(keeper.finished for keeper in self.keepers)

    def state_of(self, number: int) -> Tree:
        """Return the state of one of the runs."""
        return self.part_of(self.state, number)

    def part_of(self, tree: Tree, number: int) -> Tree:
        """Return what belongs to one of the runs, of a part of the state."""
        if len(self.keepers) == 1:
            return tree
        return jax.tree.map(lambda leaf: leaf[number], tree)


def stacked(states: Sequence[Tree]) -> Tree:
    """Stack the states of several runs; the state of one stays as it is."""
    if len(states) == 1:
        return states[0]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
