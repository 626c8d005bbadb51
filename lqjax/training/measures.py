"""What a training step measures, collected on the device by `clu.metrics`."""

from __future__ import annotations

import jax
from clu import metrics

TrainMetrics = metrics.Collection.create(
    accuracy=metrics.Accuracy, loss=metrics.Average.from_output("loss")
)
"""Running means over the steps of an epoch, fed with `logits`, `labels` and `loss` (each)."""


def measure(logits: jax.Array, labels: jax.Array, losses: jax.Array) -> metrics.Collection:
    """Turn the outputs of one step into metrics that merge on the device."""
    return TrainMetrics.single_from_model_output(logits=logits, labels=labels, loss=losses)
