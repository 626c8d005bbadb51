"""What `train`, `evaluate` and `compare` return."""

from __future__ import annotations

from dataclasses import dataclass, field

from etils import epath

from lqjax.epochs import best_epoch, kept_epochs
from lqjax.rows import Cost, Divergence, Epoch, Row


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
    steps: tuple[int, ...] = ()
    """Those of which there are checkpoints."""

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are evaluated by default: the best of those that are kept."""
        return best_epoch(kept_epochs(self.history, self.steps) or self.history)


@dataclass(frozen=True)
class TrainResult:
    """What `train` returns; of several learning rates those that diverged are named apart."""

    workdir: epath.Path
    models: tuple[TrainedModel, ...]
    diverged: tuple[Divergence, ...] = ()


@dataclass(frozen=True)
class ReadRow:
    """A row of a network that is read otherwise: by a reading of `evaluation.readings`.

    Attributes:
      reading: canonical text, such as "batch_norm(prior=16)".
      row: as those of the network itself.
    """

    reading: str
    row: Row


@dataclass(frozen=True)
class EvaluateResult:
    """What `evaluate` returns: a row per model and condition, a cost record per model.

    Of several learning rates those that diverged, in training or in testing, are named apart.
    Rows of readings stand by themselves.
    """

    workdir: epath.Path
    rows: tuple[Row, ...]
    costs: tuple[Cost, ...]
    diverged: tuple[Divergence, ...] = field(default=(), kw_only=True)
    readings: tuple[ReadRow, ...] = field(default=(), kw_only=True)

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
    """

    models: tuple[TrainedModel, ...]
    verdict: str
    table: str
    report: epath.Path
    cautions: tuple[str, ...] = ()
