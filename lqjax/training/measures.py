"""What training steps measure, summed on the device by `clu.metrics`.

In the state the sums are a plain nested dict, so that they are saved with it and an epoch that is
taken up in its middle ends with the same means.
"""

from __future__ import annotations

from typing import Any

import jax
from clu import metrics

from lqjax.typing import Tree

TrainMetrics = metrics.Collection.create(
    accuracy=metrics.Accuracy, loss=metrics.Average.from_output("loss")
)
"""Running means over the steps of an epoch, fed with `logits`, `labels` and `loss` (each)."""


def no_measures() -> Tree:
    """Give the sums before the first step of an epoch."""
    return _plain(TrainMetrics.empty())


def add_measures(sums: Tree, logits: jax.Array, labels: jax.Array, losses: jax.Array) -> Tree:
    """Add the outputs of one step to the sums."""
    empty = TrainMetrics.empty()
    before = empty.replace(
        accuracy=empty.accuracy.replace(**sums["accuracy"]),
        loss=empty.loss.replace(**sums["loss"]),
    )
    step = TrainMetrics.single_from_model_output(logits=logits, labels=labels, loss=losses)
    # With `jax_enable_x64` the outputs are wider than the sums: another type of state would be
    # compiled for anew.
    return jax.tree.map(lambda new, old: new.astype(old.dtype), _plain(before.merge(step)), sums)


def means(sums: Tree) -> dict[str, float]:
    """Compute `loss` and `accuracy` over the steps so far, from sums on the host."""
    return {name: float(part["total"] / part["count"]) for name, part in sums.items()}


def _plain(collection: Any) -> Tree:
    return {
        name: {"total": getattr(collection, name).total, "count": getattr(collection, name).count}
        for name in ("accuracy", "loss")
    }
