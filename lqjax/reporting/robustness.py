"""What degradation costs each model: drops, areas, and what is left of them above guessing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lqjax.metrics.accuracy_drop import accuracy_drops, relative_drops
from lqjax.metrics.balanced_error import balanced_errors
from lqjax.metrics.chance_corrected import chance_corrected_robustness
from lqjax.metrics.interval import Estimate
from lqjax.metrics.safe_ratio import LEAST_DROP
from lqjax.metrics.severity_area import severity_area
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import Condition, by_family
from lqjax.reporting.formatting import percent
from lqjax.reporting.intervals import means_of, within
from lqjax.reporting.robustness_cells import Cells
from lqjax.reporting.severity_levels import by_level
from lqjax.reporting.study import Study
from lqjax.reporting.suite_errors import SuiteErrors, suite_errors

CLEAN_COLUMN = 0


@dataclass(frozen=True)
class ModelRobustness:
    """One model; shares, each the mean over the degraded conditions that all models finished.

    Attributes:
      clean, degraded: accuracies.
      drop, relative_drop: clean less degraded, and that as a share of clean.
      chance_corrected: degraded over clean, drawn to 0 near the accuracy of guessing.
      area: under accuracy against severity, the mean over `areas`; `None` without any.
      balanced_clean, balanced_degraded: errors with the same weight for every class.
      drops, areas: by family of conditions; areas where each condition has a level, with clean
        images as the mildest.
      undefined: why a measure that is NaN is not defined, by its name here.
    """

    model: str
    clean: Estimate
    degraded: Estimate
    drop: Estimate
    relative_drop: Estimate
    chance_corrected: Estimate
    area: Estimate | None
    balanced_clean: float
    balanced_degraded: float
    drops: Mapping[str, Estimate]
    areas: Mapping[str, Estimate]
    undefined: Mapping[str, str]


@dataclass(frozen=True)
class SeverityLevel:
    """Mean accuracy over the conditions of one level; the gap is leader minus other."""

    level: str
    conditions: int
    accuracy: Mapping[str, Estimate]
    gap: Estimate | None


@dataclass(frozen=True)
class Robustness:
    """All of it.

    Attributes:
      families: the degraded conditions that all models finished, by what varies in severity.
      drop_gap: drop of the runner-up less that of the leader: positive where the leader loses less.
      levels: mildest first; empty where no condition has a level.
      suites: corruption errors by suite; `without` says why there are none.
    """

    models: tuple[ModelRobustness, ...]
    families: Mapping[str, Sequence[Condition]]
    drop_gap: Estimate | None
    levels: tuple[SeverityLevel, ...]
    suites: tuple[SuiteErrors, ...]
    without: str


def measure_robustness(study: Study, comparison: Comparison) -> Robustness | None:
    """Compute all numbers; `None` where not all models finished clean and a degraded condition."""
    clean = comparison.clean
    if clean is None or None in clean.accuracy.values() or not comparison.shared:
        return None
    cells = Cells.of(study, (clean.condition, *comparison.shared))
    suites, without = suite_errors(cells)
    families = by_family(comparison.shared)
    rivals = (comparison.leader, comparison.other)
    return Robustness(
        models=tuple(_of_model(cells, comparison, model, families) for model in study.models),
        families=families,
        drop_gap=_drop_gap(cells, rivals) if comparison.other else None,
        levels=tuple(
            _level(cells, level, found, comparison)
            for level, found in by_level(comparison.shared).items()
        ),
        suites=tuple(suites),
        without=without,
    )


def _of_model(
    cells: Cells,
    comparison: Comparison,
    model: str,
    families: Mapping[str, Sequence[Condition]],
) -> ModelRobustness:
    place = cells.models.index(model)
    answers = cells.correct[:, place].astype(float)
    drops, areas = _by_family(cells, answers, families)
    columns = [answers[:, CLEAN_COLUMN] - answers[:, 1:].mean(axis=1)]
    columns += [np.mean(list(areas.values()), axis=0)] if areas else []
    drop, *rest = means_of(cells.study, [*columns, *drops.values(), *areas.values()])
    area = within(rest.pop(0), 0, 1) if areas else None
    found_areas = [within(found, 0, 1) for found in rest[len(drops) :]]
    balanced = balanced_errors(cells.correct[:, place].T, cells.study.labels)
    clean = comparison.clean.accuracy[model] if comparison.clean else None
    assert clean is not None  # `measure_robustness` has looked
    relative_drop = cells.estimate(partial(_relative_drop, place))
    corrected = cells.estimate(partial(_chance_corrected, place, cells.study.commonest_share))
    return ModelRobustness(
        model=model,
        clean=clean,
        degraded=comparison.mean[model],
        drop=drop,
        relative_drop=relative_drop,
        chance_corrected=corrected,
        area=area,
        balanced_clean=float(balanced[CLEAN_COLUMN]),
        balanced_degraded=float(balanced[1:].mean()),
        drops=dict(zip(drops, rest, strict=False)),
        areas=dict(zip(areas, found_areas, strict=True)),
        undefined=_undefined(cells.study, relative_drop, corrected),
    )


def _undefined(study: Study, relative_drop: Estimate, corrected: Estimate) -> dict[str, str]:
    """Say why measures are not defined, of those that are not."""
    low = f"less than {percent(LEAST_DROP)} % of the clean images are classified correctly"
    alike = "all test images are of one class, and guessing that class makes no mistake"
    reasons = {}
    if math.isnan(relative_drop.value):
        reasons["relative_drop"] = low
    if math.isnan(corrected.value):
        reasons["chance_corrected"] = alike if study.commonest_share >= 1 else low
    return reasons


def _by_family(
    cells: Cells, answers: np.ndarray, families: Mapping[str, Sequence[Condition]]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return each image's drop and area by family: their means are those of the accuracies."""
    clean, drops, areas = answers[:, CLEAN_COLUMN], {}, {}
    for family, conditions in families.items():
        places = cells.columns(conditions)
        drops[family] = clean - answers[:, places].mean(axis=1)
        if all(condition.level for condition in conditions):
            areas[family] = severity_area(answers[:, places], clean)
    return drops, areas


def _clean_and_degraded(place: int, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the clean and the mean degraded accuracy of a model, as the metrics take them."""
    return means[:, place, CLEAN_COLUMN], means[:, place, 1:].mean(axis=-1, keepdims=True)


def _relative_drop(place: int, means: np.ndarray) -> np.ndarray:
    return relative_drops(*_clean_and_degraded(place, means))[:, 0]


def _chance_corrected(place: int, chance: float, means: np.ndarray) -> np.ndarray:
    clean, degraded = _clean_and_degraded(place, means)
    if chance >= 1:  # one class only: there is nothing that chance would get wrong
        return np.full(len(means), np.nan)
    return chance_corrected_robustness(clean, degraded, chance)[:, 0]


def _drop_gap(cells: Cells, rivals: tuple[str, str]) -> Estimate:
    leader, other = (cells.models.index(model) for model in rivals)

    def statistic(means: np.ndarray) -> np.ndarray:
        drops = accuracy_drops(means[..., CLEAN_COLUMN], means[..., 1:]).mean(axis=-1)
        return drops[:, other] - drops[:, leader]

    return cells.estimate(statistic)


def _level(
    cells: Cells, level: str, conditions: Sequence[Condition], comparison: Comparison
) -> SeverityLevel:
    places = cells.columns(conditions)
    columns = list(cells.correct[:, :, places].mean(axis=2).T)
    if comparison.other:
        leader, other = (cells.models.index(m) for m in (comparison.leader, comparison.other))
        columns.append(columns[leader] - columns[other])
    found = means_of(cells.study, columns)
    return SeverityLevel(
        level=level,
        conditions=len(conditions),
        accuracy={m: within(e, 0, 1) for m, e in zip(cells.models, found, strict=False)},
        gap=found[-1] if comparison.other else None,
    )
