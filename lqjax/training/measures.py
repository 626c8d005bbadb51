"""What a training step measures, collected on the device by `clu.metrics`."""

from __future__ import annotations

import flax
import jax.numpy as jnp
from clu import metrics


@flax.struct.dataclass
class TrainMetrics(metrics.Collection):
    """Running means over the steps of an epoch, fed with `logits`, `labels`, `loss` (each)."""

    accuracy: metrics.Accuracy
    loss: metrics.Average.from_output("loss")  # type: ignore[valid-type]


def measure(logits: jnp.ndarray, labels: jnp.ndarray, losses: jnp.ndarray) -> TrainMetrics:
    """Turn the outputs of one step into metrics that merge on the device."""
    return TrainMetrics.single_from_model_output(logits=logits, labels=labels, loss=losses)
