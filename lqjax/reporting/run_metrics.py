"""Every metric of one trained network under one condition."""

from __future__ import annotations

import math

import numpy as np

from lqjax.metrics.calibration_error import adaptive_calibration_error
from lqjax.metrics.softmax import softmax
from lqjax.metrics.summary import NEED_SCORES, summarise, summarise_predictions
from lqjax.reporting.conditions import Condition
from lqjax.reporting.metric_kinds import ADAPTIVE_ECE, METRICS
from lqjax.reporting.study import Network, Study


def run_metrics(study: Study, network: Network, condition: Condition) -> dict[str, float | None]:
    """Return the metrics of a run by name: shares in [0, 1], losses in nats.

    Returns:
      `None` where the answers alone do not give a metric, or there are too few classes for it; NaN
      where it is not defined, because all test images are of one class.
    """
    labels = study.labels[study.tested.rows[network.fold]]
    answers = network.predicted[condition.name]
    found = summarise_predictions(answers, labels, len(study.class_names))
    found |= _from_scores(network, condition, labels, answers == labels)
    values = {metric.name: found[metric.name] for metric in METRICS}
    if len(np.unique(labels)) == 1:
        undefined = [m.name for m in METRICS if m.of_classes]
        scored = values["loss"] is not None
        values |= {name: math.nan for name in undefined if scored or name not in NEED_SCORES}
    return values


def _from_scores(
    network: Network, condition: Condition, labels: np.ndarray, correct: np.ndarray
) -> dict[str, float | None]:
    """Return what needs scores: kept in the row, or computed where an earlier version wrote it."""
    row = network.rows[condition.name]
    if row.loss is None or network.scores is None:
        return dict.fromkeys((*NEED_SCORES, ADAPTIVE_ECE))
    logits = network.scores.logits(condition.name)
    kept = {name: getattr(row, name) for name in NEED_SCORES}
    if row.brier is None:
        summary = summarise(logits, labels)
        kept = {name: summary[name] for name in NEED_SCORES}
    adaptive = adaptive_calibration_error(softmax(logits).confidences, correct)
    return kept | {ADAPTIVE_ECE: adaptive}
