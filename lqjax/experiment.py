"""What users import: `train`, `evaluate`, `compare`, `report`.

Each takes the typed `Config`, or plain arguments that change single settings of it, and returns
a typed result. Nothing global is touched, so that they may be called in a loop.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ml_collections
from etils import epath

from lqjax.config import Config, from_config_dict, from_record
from lqjax.overriding import differences, from_arguments, to_dict
from lqjax.progress import Progress
from lqjax.reporting.report import write_report
from lqjax.rows import Cost, Epoch, Row, replace_text, write_csv, write_lines
from lqjax.smoke import shrink
from lqjax.training.checkpoints import best_epoch
from lqjax.workbench import Workbench, check_names
from lqjax.workdir import Workdir

FREE_TO_CHANGE = ("run.progress", "data.workers", "evaluation.conditions")
"""Settings that an existing working directory may be taken up with: rows carry the condition,
and the others do not change results."""


@dataclass(frozen=True)
class TrainedModel:
    """One trained network: where its weights lie and how training went."""

    model: str
    folder: epath.Path
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch whose weights are evaluated by default."""
        return best_epoch(self.history)


@dataclass(frozen=True)
class TrainResult:
    """What `train` returns."""

    workdir: epath.Path
    models: tuple[TrainedModel, ...]


@dataclass(frozen=True)
class EvaluateResult:
    """What `evaluate` returns: a row per model and condition, a cost record per model."""

    workdir: epath.Path
    rows: tuple[Row, ...]
    costs: tuple[Cost, ...]

    def accuracy(self, model: str, condition: str = "clean") -> float:
        """Return the accuracy of a model under a condition, in [0, 1].

        Raises:
          ValueError: there is no such row.
        """
        for row in self.rows:
            if (row.model, row.condition) == (model, condition):
                return row.accuracy
        known = ", ".join(f"{row.model} under {row.condition}" for row in self.rows)
        raise ValueError(f"no row for {model} under {condition}; there are: {known}")


@dataclass(frozen=True)
class CompareResult(EvaluateResult):
    """What `compare` returns: all rows, the verdict in one sentence, and the report."""

    models: tuple[TrainedModel, ...]
    verdict: str
    table: str
    report: epath.Path


def train(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | None = None,
    **settings: Any,
) -> TrainResult:
    """Train every network that the settings name, or go on where an earlier call stopped.

    Args:
      config: the settings; the defaults of `Config` if left out.
      workdir: where everything is kept; a new temporary folder if empty.
      progress: where to show progress; silent if left out.
      settings: single settings by keyword, such as `names=("resnet18",), epochs=3`.

    Raises:
      ValueError: impossible settings or data, or a workdir of other settings.
      DivergedError: the loss became infinite or NaN.
    """
    chosen, place = _prepared(config, workdir, settings)
    progress = progress or Progress(stages=len(chosen.model.names))
    bench = _open(chosen, place)
    progress.say(bench.describe())
    return TrainResult(place.root, _train_all(bench, progress))


def evaluate(
    config: Config | None = None,
    *,
    workdir: epath.PathLike,
    progress: Progress | None = None,
    **settings: Any,
) -> EvaluateResult:
    """Test the trained networks of a working directory under every condition.

    Arguments as for `train`; without `config` the settings that the workdir keeps.

    Raises:
      ValueError: impossible settings, or nothing trained in the workdir.
    """
    chosen, place = _prepared(config, workdir, settings)
    for model in chosen.model.names:
        if not place.run(model, chosen.run.seed).is_trained():
            raise ValueError(
                f"{place.root} holds no trained {model}; train it first (lqjax.train, --mode=train)"
            )
    progress = progress or Progress(stages=len(chosen.model.names))
    bench = _open(chosen, place)
    progress.say(bench.describe())
    rows, costs = _evaluate_all(bench, progress)
    return EvaluateResult(place.root, rows, costs)


def compare(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | None = None,
    **settings: Any,
) -> CompareResult:
    """Train, evaluate and report: the main job.

    Arguments and errors as for `train`.

    Example:
      result = lqjax.compare(source="folder", path="films", names=("alexnet", "resnet18"))
      print(result.verdict)
    """
    chosen, place = _prepared(config, workdir, settings)
    progress = progress or Progress(stages=count_stages(chosen))
    bench = _open(chosen, place)
    progress.say(bench.describe())
    models = _train_all(bench, progress)
    rows, costs = _evaluate_all(bench, progress)
    bench.write_gallery()
    progress.say("writing the report")
    written = write_report([place])
    return CompareResult(
        workdir=place.root,
        rows=rows,
        costs=costs,
        models=models,
        verdict=written.verdict,
        table=written.table,
        report=written.path,
    )


def report(workdirs: Sequence[epath.PathLike] | epath.PathLike) -> Any:
    """Write the report of one or several working directories, from what they keep.

    Raises:
      ValueError: no results there, or results that must not be mixed.
    """
    several = [workdirs] if isinstance(workdirs, (str, epath.Path)) else list(workdirs)  # type: ignore[arg-type]
    return write_report([Workdir.at(path) for path in several])


def stored_config(workdir: Workdir) -> Config | None:
    """Read the settings that a working directory was made with; `None` for a new one."""
    path = workdir.root / "config.json"
    return from_record(json.loads(path.read_text())) if path.exists() else None


def count_stages(config: Config) -> int:
    """Count the stages of `compare` that progress is shown of: training and testing each."""
    return 2 * len(config.model.names)


def _prepared(
    config: Config | None, workdir: epath.PathLike, settings: dict[str, Any]
) -> tuple[Config, Workdir]:
    if isinstance(config, ml_collections.ConfigDict):
        config = from_config_dict(config)
    if config is not None and not isinstance(config, Config):
        raise ValueError(
            f"config must be an lqjax.Config or a recipe's ConfigDict, not {type(config).__name__};"
            " or leave it out and give settings by keyword, such as epochs=3"
        )
    place = Workdir.at(workdir or tempfile.mkdtemp(prefix="lqjax-"))
    base = config or stored_config(place) or Config()
    chosen = from_arguments(base, settings)
    if chosen.run.smoke:
        chosen = shrink(chosen)
    check_names(chosen)
    return chosen, place


def _open(config: Config, place: Workdir) -> Workbench:
    """Load the data and claim the working directory; refuse one of other settings."""
    before = stored_config(place)
    if before is not None and place.has_results():
        changed = differences(to_dict(before), to_dict(config), FREE_TO_CHANGE)
        if changed:
            raise ValueError(
                f"{place.root} was made with other settings ({'; '.join(changed)});"
                " name another workdir, or give the same settings (its config.json) to go on"
            )
    bench = Workbench(config, place)
    replace_text(place.root / "config.json", json.dumps(to_dict(config), indent=1) + "\n")
    replace_text(place.root / "environment.json", json.dumps(bench.environment(), indent=1) + "\n")
    return bench


def _train_all(bench: Workbench, progress: Progress) -> tuple[TrainedModel, ...]:
    trained = []
    for model in bench.config.model.names:
        history = bench.train(model, progress)
        trained.append(TrainedModel(model, bench.run(model).root, tuple(history)))
    return tuple(trained)


def _evaluate_all(bench: Workbench, progress: Progress) -> tuple[tuple[Row, ...], tuple[Cost, ...]]:
    rows: list[Row] = []
    costs: list[Cost] = []
    for model in bench.config.model.names:
        found, cost = bench.evaluate(model, progress)
        rows += found
        costs.append(cost)
    write_lines(rows, bench.workdir.root / "results.jsonl")
    write_csv(rows, bench.workdir.root / "results.csv")
    return tuple(rows), tuple(costs)
