"""What users import to compute: `train`, `evaluate`, `compare`.

Each takes the typed `Config`, or plain arguments that change single settings of it, and returns
a typed result. They may be called in a loop. On a CPU they change how the whole process computes:
see `lqjax.freed_memory`, which says how to keep it from doing so.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from etils import epath

from lqjax.answering import write_report_of
from lqjax.claiming import check_settings, claim, claimed, prepared
from lqjax.config import Config
from lqjax.distributed import decide, refuse_differences, together
from lqjax.diverging import evaluate_or_mark, has_diverged, refuse_none_left
from lqjax.network_training import train_network
from lqjax.outcomes import CompareResult, EvaluateResult, ReadRow, TrainedModel, TrainResult
from lqjax.progress import Progress, progress_of
from lqjax.readings.base import expand_readings
from lqjax.rows import Cost, Divergence, Epoch, Row
from lqjax.same_images import keep_images, refuse_other_images
from lqjax.training.tested import NothingToTestError
from lqjax.training.writers.base import as_writer
from lqjax.workbench import Workbench, workbenches
from lqjax.workdir import Run, Workdir


def train(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | bool | None = None,
    writers: Sequence[Any] = (),
    **settings: Any,
) -> TrainResult:
    """Train every network that the settings name, or go on where an earlier call stopped.

    Args:
      config: the settings; the defaults of `Config` if left out.
      workdir: where everything is kept; a new temporary folder if empty.
      progress: whether to show progress bars, or where; none if left out. Lines are printed either
        way, through the logger "lqjax".
      writers: where the training log goes beside `run.writers`: functions `(step, values)`, or
        objects with `write(step, values)`.
      settings: single settings by keyword, such as `names=("resnet18",), epochs=3`.

    Raises:
      ValueError: impossible settings or data, or a workdir of other settings.
      DivergedError: the loss became infinite or NaN; with several learning rates, of all runs.
    """
    writers = [as_writer(writer) for writer in writers]
    chosen, place, lines = prepared(config, workdir, settings)
    shown = progress_of(progress, count_stages(chosen, testing=False))
    trained: list[TrainedModel] = []
    diverged: list[Divergence] = []

    def work(benches: list[Workbench]) -> None:
        trained.extend(_models(_train_all(benches, shown, writers)))
        diverged.extend(refuse_none_left(benches, len(trained)))

    with claimed(place):
        _at_work(chosen, place, shown, lines, work)
    return TrainResult(place.root, tuple(trained), tuple(diverged))


def evaluate(
    config: Config | None = None,
    *,
    workdir: epath.PathLike,
    progress: Progress | bool | None = None,
    **settings: Any,
) -> EvaluateResult:
    """Test the trained networks of a working directory under every condition.

    Arguments as for `train`; without `config` the settings that the workdir keeps.

    Raises:
      ValueError: impossible settings, nothing trained in the workdir, or scores that are
        infinite or NaN; after the others were tested, networks whose weights cannot be read.
      DivergedError: all runs of several learning rates have diverged.
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
    shown = progress_of(progress, count_stages(chosen, training=False))
    tested = _Tested()

    def work(benches: list[Workbench]) -> None:
        _evaluate_all(benches, shown, tested)

    with claimed(place):
        _at_work(chosen, place, shown, lines, work, training=False)
    return EvaluateResult(
        place.root,
        tuple(tested.rows),
        tuple(tested.costs),
        diverged=tuple(tested.diverged),
        readings=tuple(tested.readings),
    )


def compare(
    config: Config | None = None,
    *,
    workdir: epath.PathLike = "",
    progress: Progress | bool | None = None,
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
    shown = progress_of(progress, count_stages(chosen))
    models: list[TrainedModel] = []
    tested = _Tested()

    def work(benches: list[Workbench]) -> None:
        trained = _train_all(benches, shown, writers)
        refuse_none_left(benches, len(trained))
        _evaluate_all(benches, shown, tested)
        models.extend(_models(trained))  # which weights can be read is known now
        benches[0].write_pictures()

    with claimed(place):
        _at_work(chosen, place, shown, lines, work)
        shown.say("writing the report")
        written = write_report_of([place])
    ended = {(run.model, run.seed, run.fold) for run in tested.diverged}
    return CompareResult(
        workdir=place.root,
        rows=tuple(tested.rows),
        costs=tuple(tested.costs),
        models=tuple(m for m in models if (m.model, m.seed, m.fold) not in ended),
        verdict=written.verdict,
        table=written.table,
        report=written.path,
        cautions=written.cautions,
        diverged=tuple(tested.diverged),
        readings=tuple(tested.readings),
    )


def count_stages(config: Config, *, training: bool = True, testing: bool = True) -> int:
    """Count the stages that progress is shown of.

    They are training each run, and testing it and each of its readings.
    """
    runs = len(config.models) * len(config.seeds) * len(config.folds)
    tests = 1 + len(expand_readings(config.evaluation.readings))
    return runs * (training + testing * tests)


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
) -> list[tuple[Run, list[Epoch]]]:
    trained = [
        found
        for model in benches[0].config.model.names
        for found in train_network(benches, model, progress, writers)
    ]
    return sorted(trained, key=lambda found: found[0].fold)


def _models(trained: Sequence[tuple[Run, list[Epoch]]]) -> list[TrainedModel]:
    steps = decide(lambda: [run.checkpoint_steps() for run, _ in trained])
    return [
        TrainedModel(
            run.model, run.root, tuple(history), run.seed, run.fold, run.title, tuple(kept)
        )
        for (run, history), kept in zip(trained, steps, strict=True)
    ]


@dataclass
class _Tested:
    """What was measured so far, fold by fold."""

    rows: list[Row] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    readings: list[ReadRow] = field(default_factory=list)
    diverged: list[Divergence] = field(default_factory=list)


def _evaluate_all(benches: Sequence[Workbench], progress: Progress, tested: _Tested) -> None:
    """Test all networks; those whose weights cannot be read are told when the others are done."""
    failed: list[str] = []
    for bench in benches:
        for model in bench.config.model.names:
            for run in bench.runs(model):
                try:
                    found = evaluate_or_mark(bench, run, progress)
                except NothingToTestError as error:
                    failed.append(str(error))
                    continue
                if found is None:
                    continue
                rows, cost, readings = found
                tested.rows += rows
                tested.readings += readings
                tested.costs.append(cost)
        if tested.rows:
            bench.workdir.write_rows(tested.rows)
    if failed:
        raise NothingToTestError("; ".join(failed))
    tested.diverged.extend(refuse_none_left(benches, len(tested.rows)))
