"""Every metric of every model under every condition, with its spread over runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lqjax.reporting.class_metrics import ClassMetrics, class_metrics
from lqjax.reporting.comparison import DEGRADED_MEAN, Comparison
from lqjax.reporting.conditions import Condition
from lqjax.reporting.formatting import plural
from lqjax.reporting.metric_kinds import METRICS
from lqjax.reporting.run_metrics import run_metrics
from lqjax.reporting.study import Study

Runs = Mapping[tuple[int, int], Mapping[str, float | None]]
"""The metrics of each run, by seed and fold."""


class MetricValue(NamedTuple):
    """A metric of a model, over its runs.

    Attributes:
      value: mean over seeds or, with folds, over folds; `None` where it is not known, NaN where it
        is not defined.
      deviation: sample standard deviation over the same; `None` for a single run.
    """

    value: float | None
    deviation: float | None = None


@dataclass(frozen=True)
class ModelMetrics:
    """One model.

    Attributes:
      runs: how many trained networks.
      conditions: by condition, of those that all its runs finished, and then by metric.
      degraded: of each metric the mean over the degraded conditions that all models finished;
        empty where there is none.
      classes: by condition what is stated of each class.
      classes_degraded: the same of the answers to all these degraded conditions together.
    """

    model: str
    runs: int
    conditions: Mapping[str, Mapping[str, MetricValue]]
    degraded: Mapping[str, MetricValue]
    classes: Mapping[str, ClassMetrics]
    classes_degraded: ClassMetrics | None


@dataclass(frozen=True)
class AllMetrics:
    """All models.

    Attributes:
      conditions: those of the study, in reading order.
      shared: the degraded conditions that means run over.
      undefined: why metrics that tell classes apart are not defined; empty where they are.
    """

    models: tuple[ModelMetrics, ...]
    conditions: tuple[Condition, ...]
    shared: tuple[Condition, ...]
    class_names: tuple[str, ...]
    undefined: str

    def scopes(self, model: ModelMetrics) -> dict[str, Mapping[str, MetricValue]]:
        """Return a model's metrics by the name of what they are of: each condition, the mean."""
        found = {c.full: model.conditions[c.name] for c in self.conditions if self.has(model, c)}
        return found | ({DEGRADED_MEAN: model.degraded} if model.degraded else {})

    def has(self, model: ModelMetrics, condition: Condition) -> bool:
        """Tell whether all runs of a model finished a condition."""
        return condition.name in model.conditions


def measure_metrics(study: Study, comparison: Comparison) -> AllMetrics:
    """Compute all metrics of a study from its answers, rows and, where rows lack one, scores."""
    models = tuple(_of_model(study, model, comparison.shared) for model in study.models)
    return AllMetrics(
        models, study.conditions, comparison.shared, study.class_names, _why_not_defined(study)
    )


def over_runs(values: Mapping[tuple[int, int], float | None]) -> MetricValue:
    """Return mean and standard deviation over seeds or, where there are folds, over folds.

    Args:
      values: by seed and fold; one that is not known or not defined leaves the mean so.
    """
    known = {run: value for run, value in values.items() if value is not None}
    if len(known) < len(values):
        return MetricValue(None)
    if any(map(math.isnan, known.values())):
        return MetricValue(math.nan)
    folds = sorted({fold for _, fold in known})
    means = [np.mean([v for (_, fold), v in known.items() if fold == f]) for f in folds]
    spread = means if len(folds) > 1 else list(known.values())
    deviation = float(np.std(spread, ddof=1)) if len(spread) > 1 else None
    return MetricValue(float(np.mean(means)), deviation)


def _why_not_defined(study: Study) -> str:
    folds = study.tested.rows.values()
    single = [rows for rows in folds if len(np.unique(study.labels[rows])) == 1]
    if not single:
        return ""
    if study.folds > 1:
        return f"all test images of {plural(len(single), 'fold')} are of one class"
    return f"all test images are of one class ({study.class_names[study.labels[0]]})"


def _of_model(study: Study, model: str, shared: Sequence[Condition]) -> ModelMetrics:
    done = [c for c in study.conditions if study.finished(model, c)]
    found: dict[str, Runs] = {
        c.name: {(n.seed, n.fold): run_metrics(study, n, c) for n in study.networks[model]}
        for c in done
    }
    degraded = [found[c.name] for c in shared]
    return ModelMetrics(
        model=model,
        runs=len(study.networks[model]),
        conditions={name: _by_metric(runs) for name, runs in found.items()},
        degraded=_by_metric(_mean(degraded)) if degraded else {},
        classes={c.name: class_metrics(study, model, [c]) for c in done},
        classes_degraded=class_metrics(study, model, shared) if degraded else None,
    )


def _by_metric(runs: Runs) -> dict[str, MetricValue]:
    return {
        metric.name: over_runs({run: found[metric.name] for run, found in runs.items()})
        for metric in METRICS
    }


def _mean(conditions: Sequence[Runs]) -> Runs:
    """Return the mean over conditions of each metric of each run."""
    return {
        run: {m.name: _mean_of([found[run][m.name] for found in conditions]) for m in METRICS}
        for run in conditions[0]
    }


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
