"""What users import to compute: `train`, `evaluate`, `compare`.

Each takes the typed `Config`, or plain arguments that change single settings of it, and returns
a typed result. They may be called in a loop. On a CPU they change how the whole process computes:
see `lqjax.freed_memory`, which says how to keep it from doing so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from etils import epath

from lqjax.answering import write_report_of
from lqjax.claiming import check_settings, claim, claimed, prepared
from lqjax.config import Config
from lqjax.distributed import decide, refuse_differences, together
from lqjax.diverging import has_diverged, refuse_none_left
from lqjax.network_training import train_network
from lqjax.outcomes import CompareResult, EvaluateResult, TrainedModel, TrainResult
from lqjax.progress import Progress
from lqjax.rows import Cost, Divergence, Row
from lqjax.same_images import keep_images, refuse_other_images
from lqjax.training.writers.base import as_writer
from lqjax.workbench import Workbench, workbenches
from lqjax.workdir import Workdir


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
      DivergedError: the loss became infinite or NaN; with several learning rates, of all runs.
    """
    writers = [as_writer(writer) for writer in writers]
    chosen, place, lines = prepared(config, workdir, settings)
    progress = progress or Progress(stages=count_stages(chosen) // 2)
    trained: list[TrainedModel] = []
    diverged: list[Divergence] = []

    def work(benches: list[Workbench]) -> None:
        trained.extend(_train_all(benches, progress, writers))
        diverged.extend(refuse_none_left(benches, len(trained)))

    with claimed(place):
        _at_work(chosen, place, progress, lines, work)
    return TrainResult(place.root, tuple(trained), tuple(diverged))


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
    chosen, place, lines = prepared(config, workdir, settings)
    for model in chosen.models:
        for seed, fold in itertools.product(chosen.seeds, chosen.folds):
            run = place.run(model, seed, fold)
            if not decide(run.is_trained) and not has_diverged(run):
                which = f"seed {seed}, fold {fold}" if chosen.data.folds else f"seed {seed}"
                raise ValueError(
                    f"{place.root} holds no trained {model} of {which}; train it first"
                    " (lqjax.train, --mode=train)"
                )
    progress = progress or Progress(stages=count_stages(chosen) // 2)
    tested = _Tested([], [])

    def work(benches: list[Workbench]) -> None:
        _evaluate_all(benches, progress, tested)
        refuse_none_left(benches, len(tested.rows))

    with claimed(place):
        _at_work(chosen, place, progress, lines, work, training=False)
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
    chosen, place, lines = prepared(config, workdir, settings)
    progress = progress or Progress(stages=count_stages(chosen))
    models: list[TrainedModel] = []
    diverged: list[Divergence] = []
    tested = _Tested([], [])

    def work(benches: list[Workbench]) -> None:
        models.extend(_train_all(benches, progress, writers))
        diverged.extend(refuse_none_left(benches, len(models)))
        _evaluate_all(benches, progress, tested)
        benches[0].write_pictures()

    with claimed(place):
        _at_work(chosen, place, progress, lines, work)
        progress.say("writing the report")
        written = write_report_of([place])
    return CompareResult(
        workdir=place.root,
        rows=tuple(tested.rows),
        costs=tuple(tested.costs),
        models=tuple(models),
        verdict=written.verdict,
        table=written.table,
        report=written.path,
        cautions=written.cautions,
        diverged=tuple(diverged),
    )


def count_stages(config: Config) -> int:
    """Count the stages of `compare` that progress is shown of: training and testing each."""
    return 2 * len(config.models) * len(config.seeds) * len(config.folds)


def _at_work(
    config: Config,
    place: Workdir,
    progress: Progress,
    lines: Sequence[str],
    work: Callable[[list[Workbench]], None],
    training: bool = True,
) -> None:
    """Load the data and work on all folds of it; refuse what does not fit, as it is."""
    for line in lines:
        progress.say(line)
    check_settings(config, place)
    benches = together(lambda: workbenches(config, place))
    refuse_differences("images", lambda: [bench.fingerprint() for bench in benches])
    refuse_other_images(benches)
    for bench in benches:
        bench.check_fit(training)
    claim(benches[0])
    keep_images(benches)
    for bench in benches:
        progress.say(bench.describe())
    work(benches)


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
                if has_diverged(run):
                    continue
                found, cost = bench.evaluate(run, progress)
                tested.rows += found
                tested.costs.append(cost)
        bench.workdir.write_rows(tested.rows)
