"""Which of several learning rates a network should be trained with, by validation alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.reporting.formatting import enumeration, percent
from lqjax.reporting.study import Network, Study
from lqjax.variants import network_of, rate_of


def best_rates(study: Study) -> str:
    """Name the best learning rate of each network that has several; empty where none has.

    Best is the highest validation accuracy, as a mean over the runs of the best epoch of each.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for model, runs in study.networks.items():
        rate, merit = rate_of(model), _merit(runs)
        if rate is not None and merit is not None:
            found.setdefault(network_of(model), []).append((merit, rate))
    several = {network: pairs for network, pairs in found.items() if len(pairs) > 1}
    if not several:
        return ""
    best = {network: max(pairs) for network, pairs in several.items()}
    parts = [
        f"{network} with learning rate {rate:g} ({percent(merit)} %)"
        for network, (merit, rate) in best.items()
    ]
    return (
        f"Best by validation accuracy: {enumeration(parts)}. Choose a learning rate by this, not by"
        " the test images, which would flatter it."
    )


def _merit(runs: Sequence[Network]) -> float | None:
    """Return the mean best validation accuracy; `None` where a run has no history."""
    if not all(run.history for run in runs):
        return None
    best = [max(epoch.validation_accuracy for epoch in run.history) for run in runs]
    return float(np.mean(best))
