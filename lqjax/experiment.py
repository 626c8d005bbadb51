"""What users import: `train`, `evaluate`, `compare`, `report`, `advise`.

Each takes the typed `Config`, or plain arguments that change single settings of it, and returns
a typed result. Nothing global is touched, so that they may be called in a loop.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_collections
from etils import epath

from lqjax.advising.advice import Advice
from lqjax.advising.advise import advise_on, write_advice
from lqjax.advising.needs import CERTAINTY, Needs
from lqjax.config import Config, from_config_dict, from_record
from lqjax.distributed import decide, is_first, refuse_differences, several_processes, together
from lqjax.locking import locked
from lqjax.network_training import train_network
from lqjax.overriding import differences, from_arguments, to_dict
from lqjax.progress import Progress
from lqjax.rows import Cost, Epoch, Row
from lqjax.signals import heeded
from lqjax.smoke import shrink
from lqjax.training.record import best_epoch
from lqjax.training.writers.base import as_writer
from lqjax.workbench import Workbench, check_names, workbenches
from lqjax.workdir import Workdir

if TYPE_CHECKING:
    from lqjax.reporting.report import ReportResult

FREE_TO_CHANGE = (
    "evaluation.conditions",
    "evaluation.envelopes",
    "evaluation.envelope_drop",
    "evaluation.envelope_floor",
    "evaluation.show_images",
    "evaluation.latency_runs",
    "evaluation.throughput_batches",
    "evaluation.target_accuracy",
    "data.workers",
    "data.residency",
    "data.device_share",
    "data.cache_dir",
    "training.steps_per_dispatch",
    "training.checkpoint_minutes",
    "training.keep_checkpoints",
    "run.devices",
    "run.seeds",
    "run.learning_rates",
    "run.seeds_together",
    "run.progress",
    "run.log_every",
    "run.writers",
    "run.profile",
)
"""Settings that an existing working directory may be taken up with: rows carry the condition,
and the others do not change results."""

SHARED_SECONDS = 60
"""How long a file that one host wrote may take to appear on another: network folders remember for
a while that it was not there."""

LOOK_SECONDS = 0.5


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
    writers: Sequence[Any] = (),
    **settings: Any,
) -> TrainResult:
    """Train every network that the settings name, or go on where an earlier call stopped.

    Args:
      config: the settings; the defaults of `Config` if left out.
      workdir: where everything is kept; a new temporary folder if empty.
      progress: where to show progress; silent if left out.
      writers: where the training log goes beside `run.writers`: functions `(step, values)`, or
        objects with `write(step, values)`.
      settings: single settings by keyword, such as `names=("resnet18",), epochs=3`.

    Raises:
      ValueError: impossible settings or data, or a workdir of other settings.
      DivergedError: the loss became infinite or NaN.
    """
    writers = [as_writer(writer) for writer in writers]
    chosen, place = _prepared(config, workdir, settings)
    progress = progress or Progress(stages=count_stages(chosen) // 2)
    trained: list[TrainedModel] = []

    def work(benches: list[Workbench]) -> None:
        trained.extend(_train_all(benches, progress, writers))

    with _claimed(place):
        _at_work(chosen, place, progress, work)
    return TrainResult(place.root, tuple(trained))


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
    for model in chosen.models:
        for seed, fold in itertools.product(chosen.seeds, chosen.folds):
            if not decide(place.run(model, seed, fold).is_trained):
                which = f"seed {seed}, fold {fold}" if chosen.data.folds else f"seed {seed}"
                raise ValueError(
                    f"{place.root} holds no trained {model} of {which}; train it first"
                    " (lqjax.train, --mode=train)"
                )
    progress = progress or Progress(stages=count_stages(chosen) // 2)
    tested = _Tested([], [])

    def work(benches: list[Workbench]) -> None:
        _evaluate_all(benches, progress, tested)

    with _claimed(place):
        _at_work(chosen, place, progress, work, training=False)
    return EvaluateResult(place.root, tuple(tested.rows), tuple(tested.costs))


def compare(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | None = None,
    writers: Sequence[Any] = (),
    **settings: Any,
) -> CompareResult:
    """Train, evaluate and report: the main job.

    Arguments and errors as for `train`.

    Example:
      result = lqjax.compare(source="folder", path="films", names=("alexnet", "resnet18"))
      print(result.verdict)
    """
    writers = [as_writer(writer) for writer in writers]
    chosen, place = _prepared(config, workdir, settings)
    progress = progress or Progress(stages=count_stages(chosen))
    models: list[TrainedModel] = []
    tested = _Tested([], [])

    def work(benches: list[Workbench]) -> None:
        models.extend(_train_all(benches, progress, writers))
        _evaluate_all(benches, progress, tested)
        benches[0].write_pictures()

    with _claimed(place):
        _at_work(chosen, place, progress, work)
        progress.say("writing the report")
        written = _report([place])
    return CompareResult(
        workdir=place.root,
        rows=tuple(tested.rows),
        costs=tuple(tested.costs),
        models=tuple(models),
        verdict=written.verdict,
        table=written.table,
        report=written.path,
    )


def report(
    workdirs: Sequence[epath.PathLike] | epath.PathLike,
    predictions: Sequence[epath.PathLike] | epath.PathLike = (),
) -> ReportResult:
    """Write the report of one or several working directories, from what they keep.

    Args:
      workdirs: the report goes into the first. A single one that is not begun may be named for the
        report of predictions alone.
      predictions: files of what other code predicted for the same test images, CSV or JSONL
        (docs/predictions.md).

    Raises:
      ValueError: no results there, results that must not be mixed, or a file of predictions that
        is wrong.
    """
    return _report([Workdir.at(path) for path in _several(workdirs)], _several(predictions))


def advise(
    workdirs: Sequence[epath.PathLike] | epath.PathLike,
    predictions: Sequence[epath.PathLike] | epath.PathLike = (),
    *,
    floor_accuracy: float = 0.0,
    ceiling_latency_ms: float = 0.0,
    ceiling_memory_mib: float = 0.0,
    mixture: str | Mapping[str, float] = "",
    certainty: float = CERTAINTY,
) -> Advice:
    """Answer from measured rows which network to take, and write advice.md beside the report.

    Args:
      workdirs, predictions: as for `report`.
      floor_accuracy: least expected accuracy under the mixture, a share; 0 for none.
      ceiling_latency_ms, ceiling_memory_mib: of the forward pass of one image; 0 for none.
      mixture: weights of conditions or patterns, by name or as
        "clean=0.5,low_quality/jpeg@*=0.5"; all degraded conditions alike if empty.
      certainty: probability from which on a choice counts as decided.

    Raises:
      ValueError: as for `report`, or needs that cannot be asked for.

    Example:
      lqjax.advise("runs/films", mixture={"clean": 1, "low_quality/*": 2}).sentence
    """
    needs = Needs(floor_accuracy, ceiling_latency_ms, ceiling_memory_mib, mixture, certainty)
    places = [Workdir.at(path) for path in _several(workdirs)]
    found: list[Advice] = []

    def write() -> str:
        found.append(write_advice(places, needs, _several(predictions)))
        return found[0].sentence

    decide(write)
    # Of several processes the first one writes; the others read the same files.
    return found[0] if found else advise_on(places, needs, _several(predictions))


def _several(paths: Sequence[epath.PathLike] | epath.PathLike) -> list[epath.PathLike]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)  # type: ignore[list-item]


def stored_config(workdir: Workdir) -> Config | None:
    """Read the settings that a working directory was made with; `None` for a new one."""
    path = workdir.root / "config.json"
    record = decide(lambda: json.loads(path.read_text()) if path.exists() else None)
    return None if record is None else from_record(record)


def count_stages(config: Config) -> int:
    """Count the stages of `compare` that progress is shown of: training and testing each."""
    return 2 * len(config.models) * len(config.seeds) * len(config.folds)


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
    if not workdir and several_processes():
        raise ValueError("several processes need a workdir that all of them reach; name one")
    place = Workdir.at(workdir or tempfile.mkdtemp(prefix="lqjax-"), writes=is_first())
    base = config or stored_config(place) or Config()
    chosen = together(lambda: _checked(from_arguments(base, settings)))
    refuse_differences("settings", lambda: {"workdir": str(place.root), **to_dict(chosen)})
    return chosen, place


def _checked(config: Config) -> Config:
    """Refuse names that do not exist; make a smoke run small."""
    chosen = shrink(config) if config.run.smoke else config
    check_names(chosen)
    return chosen


@contextmanager
def _claimed(place: Workdir) -> Iterator[None]:
    """Lock a working directory; of several processes the first one holds it for all.

    Meanwhile signals that ask to stop wait until what was computed is saved.
    """
    with heeded(), ExitStack() as stack:
        decide(lambda: stack.enter_context(locked(place.root)))
        yield


def _at_work(
    config: Config,
    place: Workdir,
    progress: Progress,
    work: Callable[[list[Workbench]], None],
    training: bool = True,
) -> None:
    """Load the data and work on all folds of it; refuse what does not fit, as it is."""
    _check_settings(config, place)
    benches = together(lambda: workbenches(config, place))
    refuse_differences("images", lambda: [bench.fingerprint() for bench in benches])
    for bench in benches:
        bench.check_fit(training)
    _claim(benches[0])
    for bench in benches:
        progress.say(bench.describe())
    work(benches)


def _check_settings(config: Config, place: Workdir) -> None:
    """Refuse a working directory of other settings."""
    before = stored_config(place)
    if before is not None and decide(place.has_results):
        changed = differences(to_dict(before), to_dict(config), FREE_TO_CHANGE)
        if changed:
            raise ValueError(
                f"{place.root} was made with other settings ({'; '.join(changed)});"
                " name another workdir, or give the same settings (its config.json) to go on"
            )


def _claim(bench: Workbench) -> None:
    """Write down what the working directory is for."""
    place, text = bench.workdir, json.dumps(to_dict(bench.config), indent=1) + "\n"
    place.write_text("config.json", text)
    place.write_text("environment.json", json.dumps(bench.environment(), indent=1) + "\n")
    place.add_rungs(bench.rungs)
    together(lambda: _wait_for(place.root / "config.json", text))


def _wait_for(path: epath.Path, text: str) -> None:
    """Make sure that this process sees what the first one has written."""
    for _ in range(round(SHARED_SECONDS / LOOK_SECONDS)):
        if path.exists() and path.read_text() == text:
            return
        time.sleep(LOOK_SECONDS)
    raise ValueError(
        f"{path} of process 0 did not appear here within {SHARED_SECONDS} s; use a workdir that"
        " all processes share: a network folder or a bucket (gs://...)"
    )


def _report(places: Sequence[Workdir], predictions: Sequence[epath.PathLike] = ()) -> ReportResult:
    # Here, since training starts sooner without Matplotlib.
    from lqjax.reporting.report import ReportResult, write_report

    def write() -> list[str]:
        written = write_report(places, predictions)
        return [str(written.path), written.verdict, written.table]

    path, verdict, table = decide(write)
    return ReportResult(epath.Path(path), verdict, table)


def _train_all(
    benches: Sequence[Workbench], progress: Progress, writers: Sequence[Any]
) -> tuple[TrainedModel, ...]:
    trained = [
        TrainedModel(run.model, run.root, tuple(history), run.seed, run.fold, run.title)
        for model in benches[0].config.model.names
        for run, history in train_network(benches, model, progress, writers)
    ]
    return tuple(sorted(trained, key=lambda model: model.fold))


@dataclass
class _Tested:
    """What was measured so far, fold by fold."""

    rows: list[Row]
    costs: list[Cost]


def _evaluate_all(benches: Sequence[Workbench], progress: Progress, tested: _Tested) -> None:
    for bench in benches:
        for model in bench.config.model.names:
            for run in bench.runs(model):
                found, cost = bench.evaluate(run, progress)
                tested.rows += found
                tested.costs.append(cost)
        bench.workdir.write_rows(tested.rows)
