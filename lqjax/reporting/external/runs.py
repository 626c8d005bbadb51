"""Files of predictions as runs, which a report reads like those that were trained here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from etils import epath

from lqjax.metrics.summary import summarise, summarise_predictions
from lqjax.reporting.external.collecting import Cell, Collected, Collector
from lqjax.reporting.external.files import check_files, read_answers
from lqjax.reporting.external.test_set import Part, TestSet, discover, test_set_of
from lqjax.rows import Row
from lqjax.workdir import Run

LEVEL_SIGN, THEN = "@", "|"


@dataclass(frozen=True)
class ExternalRun:
    """One run of a model of other code.

    Attributes:
      title: the file that it came from.
      run: its rows and scores, in a folder that is there for the time of a report.
    """

    title: str
    run: Run


@contextmanager
def external_runs(
    paths: Sequence[epath.PathLike], beside: Sequence[Run] = ()
) -> Iterator[list[ExternalRun]]:
    """Read files of predictions; what they hold lies in a temporary folder until the end.

    Files are read as streams: in memory are, besides ids and labels, `HELD_BYTES` of answers and
    then one condition of one model at a time.

    Args:
      paths: files of CSV or JSONL (docs/predictions.md), in any order and with any part of the
        models and conditions each.
      beside: finished runs on the test images that the predictions must be about; without any the
        files alone say what the test images are.

    Raises:
      ValueError: the first line that is wrong, or test images without an answer.
    """
    files = check_files(paths)
    if not files:
        yield []
        return
    test_set = (
        test_set_of(beside) if beside else discover(a for f in files for a in read_answers(f))
    )
    with tempfile.TemporaryDirectory(prefix="lqjax-predictions-") as name:
        folder = Path(name)
        collector = Collector(test_set, folder)
        for file in files:
            for answer in read_answers(file):
                collector.take(answer, file.name)
        yield _write(collector, test_set, folder)


def _write(collector: Collector, test_set: TestSet, folder: Path) -> list[ExternalRun]:
    """Write all that was read as runs, one folder each."""
    groups = _all_groups(collector, test_set)
    found: dict[tuple[str, int, int], ExternalRun] = {}
    for cell, collected in collector.cells.items():
        _check_whole(cell, collected, test_set.parts[cell.fold])
        key = (cell.model, cell.seed, cell.fold)
        if key not in found:
            run = Run(epath.Path(folder / f"run{len(found)}"), *key)
            part = test_set.parts[cell.fold]
            ids = np.array(list(part.positions))
            run.write_examples(ids, part.labels, test_set.classes, groups.get(cell.fold))
            found[key] = ExternalRun(collected.file, run)
        _write_condition(found[key].run, cell, collected, test_set)
    return list(found.values())


def _write_condition(run: Run, cell: Cell, collected: Collected, test_set: TestSet) -> None:
    labels = test_set.parts[cell.fold].labels
    answers = collected.shelf.read()
    collected.shelf.path.unlink()
    if collected.scored:
        logits = answers.astype(np.float32)
        run.write_condition(_row(cell, test_set, summarise(logits, labels)), logits)
        return
    predicted = answers[:, 0].astype(np.int32)
    metrics = summarise_predictions(predicted, labels, len(test_set.classes))
    run.write_predicted(_row(cell, test_set, metrics), predicted)


def _row(cell: Cell, test_set: TestSet, metrics: Mapping) -> Row:
    family, level, label = _names(cell.condition, test_set)
    return Row(
        model=cell.model,
        dataset=test_set.dataset,
        seed=cell.seed,
        fold=cell.fold,
        condition=cell.condition,
        family=family,
        level=level,
        label=label,
        image_size=test_set.image_size,
        psnr=None,  # the pictures were not seen
        **metrics,
    )


def _names(condition: str, test_set: TestSet) -> tuple[str, str, str]:
    """Return family, level and label: those of our own row, else by the way names are written."""
    ours = test_set.conditions.get(condition)
    if ours is not None:
        return ours.family, ours.level, ours.label
    family, _, level = condition.rpartition(LEVEL_SIGN)
    if THEN in condition or not family:
        return condition, "", condition
    return family, level, family


def _check_whole(cell: Cell, collected: Collected, part: Part) -> None:
    missing = collected.shelf.missing
    if len(missing):
        first = list(part.positions)[int(missing[0])]
        raise ValueError(
            f"{collected.file}: {cell}: {len(missing):,} of {len(part.positions):,} test images"
            f" have no answer, the first of them {first!r}"
        )
    if collected.like_probabilities:
        raise ValueError(
            f"{collected.file}: {cell}: the scores of every line are 0 or more and add up to 1:"
            " these are probabilities; name them so (probability_<class>, or probabilities)"
        )


def _all_groups(collector: Collector, test_set: TestSet) -> dict[int, np.ndarray]:
    """Return the groups by fold, ours or those of the files; empty where nothing is known."""
    found = {f: p.groups for f, p in test_set.parts.items() if p.groups is not None}
    for fold, groups in collector.groups.items():
        part = test_set.parts[fold]
        without = [i for i in range(len(part.positions)) if i not in groups]
        if without:
            first = list(part.positions)[without[0]]
            raise ValueError(
                f"group is given for some images and not for {len(without):,} others, the first"
                f" of them {first!r}; give it for all or for none"
            )
        found[fold] = np.array([groups[i] for i in range(len(part.positions))])
    return found
