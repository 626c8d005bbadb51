"""Precision, recall, F1 and specificity of each class, with their spread over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.confusion import confusion_matrix
from lqjax.metrics.precision_recall import class_scores
from lqjax.reporting.conditions import Condition
from lqjax.reporting.metric_kinds import CLASS_METRICS
from lqjax.reporting.study import Network, Study


@dataclass(frozen=True)
class ClassMetrics:
    """One model, all classes; arrays have one entry a class.

    Attributes:
      images: test images of the class.
      values: by metric, shares in [0, 1]; NaN where the denominator is 0.
      deviations: sample standard deviation over seeds or, with folds, over folds; empty for a
        single run.
    """

    images: np.ndarray
    values: Mapping[str, np.ndarray]
    deviations: Mapping[str, np.ndarray]


def class_metrics(study: Study, model: str, conditions: Sequence[Condition]) -> ClassMetrics:
    """Compute the scores of each class from the answers to some conditions together."""
    runs: dict[int, list[np.ndarray]] = {}
    for network in study.networks[model]:
        matrix = sum(_matrix(study, network, condition) for condition in conditions)
        runs.setdefault(network.fold, []).append(defined_class_scores(np.asarray(matrix)))
    means = np.array([np.mean(found, axis=0) for found in runs.values()])
    (only,) = runs.values() if len(runs) == 1 else ([],)
    spread = means if len(runs) > 1 else np.array(only)
    names = [metric.name for metric in CLASS_METRICS]
    deviations = spread.std(axis=0, ddof=1) if len(spread) > 1 else []
    return ClassMetrics(
        images=np.bincount(study.labels, minlength=len(study.class_names)),
        values=dict(zip(names, means.mean(axis=0), strict=True)),
        deviations=dict(zip(names, deviations, strict=False)),
    )


def defined_class_scores(matrix: np.ndarray) -> np.ndarray:
    """Return the metrics of each class, (metrics, classes); NaN where the denominator is 0."""
    scores = class_scores(matrix)
    answered, others = matrix.sum(axis=0), matrix.sum() - scores.support
    denominators = (answered, scores.support, answered + scores.support, others)
    return np.where(np.array(denominators) > 0, np.array(scores[:-1]), np.nan)


def _matrix(study: Study, network: Network, condition: Condition) -> np.ndarray:
    labels = study.labels[study.tested.rows[network.fold]]
    return confusion_matrix(labels, network.predicted[condition.name], len(study.class_names))
