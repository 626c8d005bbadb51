"""Which of several learning rates a network should be trained with, by validation alone."""

from __future__ import annotations

import numpy as np

from lqjax.reporting.formatting import percent
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration
from lqjax.variants import network_of, rate_of


def contenders(study: Study) -> tuple[str, ...]:
    """Return the models between which the verdict decides.

    Of a network with several learning rates that is the best by validation, as a mean over its
    runs; where that is not recorded, all of them. One of which a run diverged does not count: what
    is left of it are the runs that were lucky.
    """
    best = _best(study)
    return tuple(model for model in study.models if best.get(_family(model), model) == model)


def best_rates(study: Study) -> str:
    """Name the best learning rate of each network that has several; empty where none has.

    Best is the highest validation accuracy, as a mean over the runs of the best epoch of each.
    """
    parts = [
        f"{family} with learning rate {rate_of(model):g} ({percent(_merit(study, model))} %)"
        for family, model in _best(study).items()
    ]
    if not parts:
        return ""
    return (
        f"Best by validation accuracy: {enumeration(parts)}. The verdict is about "
        f"{'this one' if len(parts) == 1 else 'these'}. Choose a learning rate by validation, not"
        " by the test images, which would flatter it."
    )


def _best(study: Study) -> dict[str, str]:
    """Find the best of those that differ in their learning rate only, by what is left of a name."""
    families: dict[str, list[str]] = {}
    for model in study.models:
        if rate_of(model) is not None and model not in study.sources:
            families.setdefault(_family(model), []).append(model)
    ended = {found.model for found in study.diverged}
    sound = {
        family: [model for model in models if model not in ended] or models
        for family, models in families.items()
        if len(models) > 1
    }
    return {
        family: max(models, key=lambda model: (_merit(study, model), rate_of(model)))
        for family, models in sound.items()
        if len(models) == 1 or not any(np.isnan(_merit(study, model)) for model in models)
    }


def _family(model: str) -> str:
    """Leave the learning rate out of a name, but not the directory that may follow it."""
    return network_of(model) + model[len(model.partition(" (")[0]) :]


def _merit(study: Study, model: str) -> float:
    """Return the mean best validation accuracy; NaN where a run has no history."""
    runs = study.networks[model]
    if not all(run.history for run in runs):
        return float("nan")
    return float(np.mean([max(e.validation_accuracy for e in run.history) for run in runs]))
