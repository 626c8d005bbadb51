"""What `train`, `evaluate` and `compare` return."""

from __future__ import annotations

from dataclasses import dataclass

from etils import epath

from lqjax.rows import Cost, Divergence, Epoch, Row
from lqjax.training.record import best_epoch


@dataclass(frozen=True)
class TrainedModel:
    """One trained network: where its weights lie and how training went."""

    model: str
    folder: epath.Path
    history: tuple[Epoch, ...]
    seed: int = 0
    fold: int = 0
    title: str = ""
    """What to call it: by its model, and by seed and fold where there are several."""

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are evaluated by default."""
        return best_epoch(self.history)


@dataclass(frozen=True)
class TrainResult:
    """What `train` returns; of several learning rates those that diverged are named apart."""

    workdir: epath.Path
    models: tuple[TrainedModel, ...]
    diverged: tuple[Divergence, ...] = ()


@dataclass(frozen=True)
class EvaluateResult:
    """What `evaluate` returns: a row per model and condition, a cost record per model."""

    workdir: epath.Path
    rows: tuple[Row, ...]
    costs: tuple[Cost, ...]

    def accuracy(self, model: str, condition: str = "clean") -> float:
        """Return the accuracy of a model under a condition, in [0, 1]; the mean over its runs.

        Raises:
          ValueError: there is no such row.
        """
        found = [r.accuracy for r in self.rows if (r.model, r.condition) == (model, condition)]
        if found:
            return sum(found) / len(found)
        known = ", ".join(f"{row.model} under {row.condition}" for row in self.rows)
        raise ValueError(f"no row for {model} under {condition}; there are: {known}")


@dataclass(frozen=True)
class CompareResult(EvaluateResult):
    """What `compare` returns: all rows, the verdict in one sentence, and the report.

    Attributes:
      cautions: what is to be kept in mind, a sentence each.
      diverged: runs of several learning rates that are not among the models.
    """

    models: tuple[TrainedModel, ...]
    verdict: str
    table: str
    report: epath.Path
    cautions: tuple[str, ...] = ()
    diverged: tuple[Divergence, ...] = ()
