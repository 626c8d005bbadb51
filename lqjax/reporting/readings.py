"""What readings change: each against the network itself, with the same weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lqjax.metrics.interval import Estimate
from lqjax.reporting.conditions import CLEAN, Condition
from lqjax.reporting.intervals import accuracies_of, gaps_of, mean_of, within
from lqjax.reporting.read_otherwise import ReadOtherwise
from lqjax.reporting.study import Network, Study
from lqjax.reporting.training_runs import gap_over_seeds
from lqjax.textlists import enumeration


@dataclass(frozen=True)
class ReadCell:
    """Accuracy of a reading beside that of the network itself.

    Attributes:
      gap: `accuracy` less `itself`, paired on the same images.
      retrained: the gap with an interval over training runs; `None` where there are too few, or
        folds, whose intervals cover training again anyway.
    """

    itself: Estimate
    accuracy: Estimate
    gap: Estimate
    retrained: Estimate | None = None

    @property
    def is_shown(self) -> bool:
        """Tell whether the gap is more than chance: of images and, where known, of training."""
        if self.retrained is None:
            return self.gap.excludes_zero()
        same_way = (self.gap.value > 0) == (self.retrained.value > 0)
        return self.gap.excludes_zero() and self.retrained.excludes_zero() and same_way


@dataclass(frozen=True)
class ReadModel:
    """One model under one reading, over all its runs that have it.

    Attributes:
      runs: how many there are.
      trained: how many runs the model has, read so or not.
      cells: by name, of the conditions that both finished.
      degraded: the mean over the degraded ones of them; `None` without any.
      open: conditions that the network finished and the reading has not.
      notes: what is to be said of the fits, once each.
    """

    model: str
    reading: str
    runs: int
    trained: int
    cells: Mapping[str, ReadCell]
    degraded: ReadCell | None
    open: int
    notes: tuple[str, ...] = ()

    @property
    def degraded_cells(self) -> list[ReadCell]:
        """The cells of the degraded conditions."""
        return [cell for name, cell in self.cells.items() if name != CLEAN]


@dataclass(frozen=True)
class Readings:
    """All of it.

    Attributes:
      models: what was tested, model by model.
      conditions: in reading order, those that any of them finished.
      kinds: of each reading by name what it is: text, source, and what is settled.
      lacking: by model, sentences about readings that it cannot have, or has not yet.
    """

    models: tuple[ReadModel, ...]
    conditions: tuple[Condition, ...]
    kinds: Mapping[str, ReadOtherwise] = field(default_factory=dict)
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, model: str) -> list[ReadModel]:
        """List all that was tested of one model."""
        return [read for read in self.models if read.model == model]


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
    models: list[ReadModel] = []
    lacking: dict[str, tuple[str, ...]] = {}
    for model in study.models:
        read = {name: _read_model(study, model, name) for name in kinds}
        models += [one for one in read.values() if one is not None]
        absent = _lacking(study, model, [name for name, one in read.items() if one is None])
        if absent:
            lacking[model] = absent
    tested = {condition for read in models for condition in read.cells}
    conditions = tuple(c for c in study.conditions if c.name in tested)
    return Readings(tuple(models), conditions, kinds, lacking)


def _lacking(study: Study, model: str, names: Sequence[str]) -> tuple[str, ...]:
    """Say why a model has not been read by these, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for name in names:
        there = [_of(run, name) for run in study.networks[model]]
        reason = next((found.missing for found in there if found and found.missing), "")
        by_reason.setdefault(reason, []).append(name)
    return tuple(
        f"Not read by {enumeration(unread)}: {reason or 'not tested so yet'}."
        for reason, unread in by_reason.items()
    )


def _by_number(name: str) -> list[tuple[int, str]]:
    """Order names as people do: batch_norm(prior=16) before batch_norm(prior=120)."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _of(network: Network, name: str) -> ReadOtherwise | None:
    return next((found for found in network.readings if found.name == name), None)


def _read_model(study: Study, model: str, name: str) -> ReadModel | None:
    """Compare a reading with the network, run by run on the same images."""
    pairs = [(run, found) for run in study.networks[model] if (found := _of(run, name))]
    both = (f"{model} read by {name}", model)  # a model may have the name of a reading
    beside = replace(
        study,
        networks={
            both[0]: [replace(run, rows=f.rows, predicted=f.predicted) for run, f in pairs],
            model: [run for run, _ in pairs],
        },
    )
    reached = [c for c in study.conditions if pairs and beside.finished(model, c)]
    finished = [c for c in reached if beside.finished(both[0], c)]
    if not finished:
        return None
    right = {which: [beside.correct(which, c) for c in finished] for which in both}
    cells = map(
        ReadCell,
        accuracies_of(beside, model, right[model]),
        accuracies_of(beside, both[0], right[both[0]]),
        gaps_of(beside, both, list(zip(*right.values(), strict=True))),
        [_over_runs(beside, both, [c]) for c in finished],
    )
    by_name = {c.name: cell for c, cell in zip(finished, cells, strict=True)}
    degraded = [c for c in finished if c.degraded]
    return ReadModel(
        model=model,
        reading=name,
        runs=len(pairs),
        trained=len(study.networks[model]),
        cells=by_name,
        degraded=_mean(beside, both, degraded, by_name) if degraded else None,
        open=len(reached) - len(finished),
        notes=tuple(dict.fromkeys(note for _, found in pairs for note in found.notes)),
    )


def _mean(
    beside: Study,
    both: tuple[str, str],
    conditions: Sequence[Condition],
    cells: Mapping[str, ReadCell],
) -> ReadCell:
    """Average over conditions; the mean over one is that one, with its interval."""
    if len(conditions) == 1:
        return cells[conditions[0].name]
    read, itself = (
        np.mean([beside.correct(which, c) for c in conditions], axis=0) for which in both
    )
    return ReadCell(
        within(mean_of(beside, itself), 0, 1),
        within(mean_of(beside, read), 0, 1),
        mean_of(beside, read - itself),
        _over_runs(beside, both, conditions),
    )


def _over_runs(
    beside: Study, both: tuple[str, str], conditions: Sequence[Condition]
) -> Estimate | None:
    found = gap_over_seeds(beside, both, conditions)
    return None if found is None else within(found, -1, 1)
