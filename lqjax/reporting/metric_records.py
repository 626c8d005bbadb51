"""All metrics as tables for other programs: by condition, and by class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lqjax.metrics.summary import TOP
from lqjax.reporting.all_metrics import AllMetrics, ModelMetrics
from lqjax.reporting.class_metrics import ClassMetrics
from lqjax.reporting.comparison import DEGRADED_MEAN

ALL_DEGRADED = "all degraded"
NO_SCORES = "only the predicted classes are known"
FEW_CLASSES = f"there are {TOP} classes or fewer"


@dataclass(frozen=True)
class MetricRecord:
    """One metric of one model under one condition.

    Attributes:
      condition: canonical text, or "mean of the degraded".
      metric: named as the fields of `Row`, or "adaptive_ece".
      value, deviation: mean and sample standard deviation over seeds or, with folds, over folds;
        shares in [0, 1], `loss` in nats; `None` where not defined, or without several runs.
      runs: trained networks behind the value.
      reason: why there is no value.
    """

    model: str
    condition: str
    metric: str
    value: float | None
    deviation: float | None
    runs: int
    reason: str = ""


@dataclass(frozen=True)
class ClassMetricRecord:
    """One class against all others, of one model under one condition.

    Attributes:
      condition: canonical text, or "all degraded" for their answers counted together.
      images: test images of the class.
      precision, recall, f1, specificity: shares in [0, 1]; `None` where the denominator is 0.
      precision_deviation and so on: sample standard deviations over seeds or, with folds, over
        folds; `None` for a single run.
    """

    model: str
    condition: str
    class_name: str
    images: int
    precision: float | None
    recall: float | None
    f1: float | None
    specificity: float | None
    precision_deviation: float | None
    recall_deviation: float | None
    f1_deviation: float | None
    specificity_deviation: float | None


def metric_records(metrics: AllMetrics) -> list[MetricRecord]:
    """Return every metric of every model: by condition, and the mean of the degraded."""
    records = []
    for model in metrics.models:
        degraded = {DEGRADED_MEAN: model.degraded} if model.degraded else {}
        for condition, found in {**model.conditions, **degraded}.items():
            few = FEW_CLASSES if found["loss"].value is not None else NO_SCORES
            for name, (value, deviation) in found.items():
                reason = (few if name == "top5" else NO_SCORES) if value is None else ""
                if value is not None and math.isnan(value):
                    value, reason = None, metrics.undefined
                key = (model.model, condition, name)
                records.append(MetricRecord(*key, value, deviation, model.runs, reason))
    return records


def class_metric_records(metrics: AllMetrics) -> list[ClassMetricRecord]:
    """Return the metrics of every class: by model and condition, and of all degraded answers."""
    return [
        record
        for model in metrics.models
        for condition, found in _class_scopes(model).items()
        for record in _of_classes(model.model, condition, metrics.class_names, found)
    ]


def _class_scopes(model: ModelMetrics) -> dict[str, ClassMetrics]:
    degraded = model.classes_degraded
    return {**model.classes, **({ALL_DEGRADED: degraded} if degraded is not None else {})}


def _of_classes(
    model: str, condition: str, names: Sequence[str], found: ClassMetrics
) -> Iterator[ClassMetricRecord]:
    for place, name in enumerate(names):
        values = {metric: _number(values[place]) for metric, values in found.values.items()}
        deviations = {
            f"{metric}_deviation": _number(found.deviations[metric][place])
            if found.deviations
            else None
            for metric in values
        }
        images = int(found.images[place])
        yield ClassMetricRecord(model, condition, name, images, **values, **deviations)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
