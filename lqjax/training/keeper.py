"""What one run keeps of its training: its history, its checkpoints, its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lqjax.config import Config
from lqjax.optim.building import rate_factor
from lqjax.overriding import to_dict
from lqjax.rows import Divergence, Epoch
from lqjax.training.checkpoints import Checkpoints
from lqjax.training.log import TrainingLog
from lqjax.training.material import Material
from lqjax.training.plan import is_finished
from lqjax.training.record import Record
from lqjax.training.state import to_rest
from lqjax.typing import Tree
from lqjax.variants import is_one_of_several
from lqjax.workdir import Run


@dataclass
class Keeper:
    """One run among those that are trained as one program; mostly it is the only one.

    Attributes:
      run, config: its folder, and its settings with its seed.
      material: what it is trained on.
      checkpoints, log: where its state and its numbers go.
      history: one record per finished epoch.
      machine: the devices it is trained with.
      resolved: what the settings that were left open came to.
      rate_ratio: its peak learning rate over that of the schedule that all runs share.
      diverged: its loss is not finite any more, and other learning rates go on without it.
    """

    run: Run
    config: Config
    material: Material
    checkpoints: Checkpoints
    log: TrainingLog
    history: list[Epoch]
    machine: Mapping[str, Any]
    resolved: Mapping[str, Any]
    rate_ratio: float = 1.0
    diverged: bool = False

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, patience is at an end, or it has diverged."""
        return self.diverged or is_finished(self.config, self.history)

    @property
    def is_one_rate_of_several(self) -> bool:
        """Whether it is there to find out whether its learning rate will do."""
        return is_one_of_several(self.run.model, self.config.run.learning_rates)

    def diverge(self, step: int, learning_rate: float, loss: float) -> None:
        """End the run for good; what was saved of it stays."""
        run = self.run
        run.write_divergence(Divergence(run.model, run.seed, run.fold, step, learning_rate, loss))
        self.diverged = True

    def order(self, epoch: int) -> np.ndarray:
        """Draw the order of an epoch."""
        return self.material.order(self.config.run.seed, epoch)

    def factor(self) -> float:
        """Compute what the updates of the next epoch are multiplied by."""
        losses = [epoch.validation_loss for epoch in self.history]
        return self.rate_ratio * rate_factor(self.config, losses)

    def save(self, state: Tree, weights: Tree, step: int, seconds: float) -> None:
        """Write a checkpoint in the background.

        Args:
          state, weights: of this run; `weights` are evaluated.
          step: steps made.
          seconds: time spent in the epoch that is not finished.
        """
        record = Record(
            step=step,
            history=tuple(self.history),
            seconds=seconds,
            config=to_dict(self.config),
            machine=self.machine,
            resolved=self.resolved,
        )
        self.checkpoints.save(weights, to_rest(state, self.config), record)
