"""What readings change: each against the network itself, with the same weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from lqjax.metrics.interval import Estimate
from lqjax.reporting.conditions import Condition
from lqjax.reporting.intervals import accuracies_of, gaps_of, mean_of, within
from lqjax.reporting.read_otherwise import ReadOtherwise
from lqjax.reporting.study import Network, Study
from lqjax.reporting.training_runs import gap_over_seeds


@dataclass(frozen=True)
class ReadCell:
    """Accuracy of a reading; the gap is that less the accuracy of the network itself."""

    itself: Estimate
    accuracy: Estimate
    gap: Estimate


@dataclass(frozen=True)
class ReadModel:
    """One model under one reading, over all its runs that have it.

    Attributes:
      runs: how many there are.
      cells: by name, of the conditions that both finished.
      degraded: the mean over the degraded ones of them; `None` without any.
      retrained: gap of that mean, with an interval over training runs; `None` where there are too
        few, or folds.
      open: conditions that the network finished and the reading has not.
      notes: what is to be said of the fits, once each.
    """

    model: str
    reading: str
    runs: int
    cells: Mapping[str, ReadCell]
    degraded: ReadCell | None
    retrained: Estimate | None
    open: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readings:
    """All of it.

    Attributes:
      models: what was tested, model by model.
      conditions: in reading order, those that any of them finished.
      kinds: of each reading by name what it is: text, source, and what is settled.
      lacking: sentences about networks that cannot be read so, or have not been yet.
    """

    models: tuple[ReadModel, ...]
    conditions: tuple[Condition, ...]
    kinds: Mapping[str, ReadOtherwise] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()


def measure_readings(study: Study) -> Readings | None:
    """Compare every reading with its network; `None` where there are none."""
    kinds: dict[str, ReadOtherwise] = {}
    for network in study.all_networks:
        for found in network.readings:
            if found.name not in kinds or not found.missing:
                kinds[found.name] = found
    if not kinds:
        return None
    kinds = {name: kinds[name] for name in sorted(kinds, key=_by_number)}
    models, lacking = [], []
    for model in study.models:
        for name in kinds:
            there = [_of(run, name) for run in study.networks[model]]
            if any(found is not None and found.missing for found in there):
                reason = next(found.missing for found in there if found is not None)
                lacking.append(f"{model} has no reading by {name}: {reason}.")
                continue
            read = _read_model(study, model, name)
            if read is None:
                lacking.append(f"{model} has not been tested with {name} yet.")
            else:
                models.append(read)
    tested = {condition for read in models for condition in read.cells}
    conditions = tuple(c for c in study.conditions if c.name in tested)
    return Readings(tuple(models), conditions, kinds, tuple(lacking))


def _by_number(name: str) -> list[tuple[int, str]]:
    """Order names as people do: batch_norm(prior=16) before batch_norm(prior=120)."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _of(network: Network, name: str) -> ReadOtherwise | None:
    return next((found for found in network.readings if found.name == name), None)


def _read_model(study: Study, model: str, name: str) -> ReadModel | None:
    """Compare a reading with the network, run by run on the same images."""
    pairs = [(run, found) for run in study.networks[model] if (found := _of(run, name))]
    both = (name, model)
    beside = replace(
        study,
        networks={
            name: [replace(run, rows=f.rows, predicted=f.predicted) for run, f in pairs],
            model: [run for run, _ in pairs],
        },
    )
    reached = [c for c in study.conditions if pairs and beside.finished(model, c)]
    finished = [c for c in reached if beside.finished(name, c)]
    if not finished:
        return None
    right = {which: [beside.correct(which, c) for c in finished] for which in both}
    cells = map(
        ReadCell,
        accuracies_of(beside, model, right[model]),
        accuracies_of(beside, name, right[name]),
        gaps_of(beside, both, list(zip(right[name], right[model], strict=True))),
    )
    degraded = [c for c in finished if c.degraded]
    return ReadModel(
        model=model,
        reading=name,
        runs=len(pairs),
        cells={c.name: cell for c, cell in zip(finished, cells, strict=True)},
        degraded=_mean(beside, both, degraded) if degraded else None,
        retrained=gap_over_seeds(beside, both, degraded),
        open=len(reached) - len(finished),
        notes=tuple(dict.fromkeys(note for _, found in pairs for note in found.notes)),
    )


def _mean(beside: Study, both: tuple[str, str], conditions: list[Condition]) -> ReadCell:
    read, itself = (
        np.mean([beside.correct(which, c) for c in conditions], axis=0) for which in both
    )
    return ReadCell(
        within(mean_of(beside, itself), 0, 1),
        within(mean_of(beside, read), 0, 1),
        mean_of(beside, read - itself),
    )
