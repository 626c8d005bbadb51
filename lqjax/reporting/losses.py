"""The loss of every test image, from the scores that runs keep."""

from __future__ import annotations

import numpy as np

from lqjax.metrics.log_loss import example_losses
from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import Study


def keeps_scores(study: Study, model: str, condition: Condition) -> bool:
    """Tell whether all runs of a model keep their scores of a condition."""
    return study.finished(model, condition) and all(
        network.scores is not None and network.rows[condition.name].loss is not None
        for network in study.networks[model]
    )


def losses_of(study: Study, model: str, condition: Condition) -> np.ndarray | None:
    """Return each image's cross-entropy in nats, the mean over seeds: float64, (examples,).

    Returns:
      `None` where a run keeps no scores.
    """
    if not keeps_scores(study, model, condition):
        return None
    total, seeds = np.zeros(study.n), {run.seed for run in study.networks[model]}
    for run in study.networks[model]:
        logits = run.scores.logits(condition.name)  # type: ignore[union-attr]
        rows = study.tested.rows[run.fold]
        total[rows] += example_losses(logits, study.labels[rows])
    return total / len(seeds)
