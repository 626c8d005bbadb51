"""What each run's model is called in a report, and in which order models come."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lqjax.config import flatten
from lqjax.variants import network_of, rate_of
from lqjax.workdir import Run

COMPARED_SETTINGS = ("data", "model", "optimizer", "schedule", "training", "augmentation")
"""Groups of settings that must be equal for two runs to count as repetitions of one model."""

OTHER_CODE = "other code"
"""Stands for the settings of a model whose predictions were read from a file."""


def model_names(
    runs: Sequence[tuple[str, Run]], configs: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Name each run's model; one that two directories train differently gets the directory's."""
    recipes: dict[str, set[str]] = {}
    taken = Counter((run.model, run.seed, run.fold) for _, run in runs)
    for title, run in runs:
        recipe = _recipe(configs[title], run.model) if title in configs else OTHER_CODE
        recipes.setdefault(run.model, set()).add(recipe)
    clashing = {run.model for _, run in runs if taken[run.model, run.seed, run.fold] > 1}
    clashing |= {model for model, kinds in recipes.items() if len(kinds) > 1}
    return [f"{run.model} ({title})" if run.model in clashing else run.model for title, run in runs]


def _recipe(config: Mapping[str, Any], model: str) -> str:
    """Write down the settings that a model was trained with, the seed left out.

    What is written is what holds for this model: its overrides, and the learning rate in its name,
    stand in place of what the directory has for all models.
    """
    settings = flatten({name: config.get(name, {}) for name in COMPARED_SETTINGS})
    settings.pop("model.names", None)
    settings |= flatten(config.get("overrides", {}).get(network_of(model), {}))
    rate = rate_of(model)
    if rate is not None:
        settings["optimizer.learning_rate"] = rate
    return json.dumps(settings, sort_keys=True, default=str)


def in_config_order(
    names: Sequence[str], configs: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """Order names as the configurations do, those of one network by learning rate."""
    wanted = [m for c in configs.values() for m in c.get("model", {}).get("names", [])]
    found = list(dict.fromkeys(names))

    def position(name: str) -> tuple[int, float]:
        plain = name.partition(" (")[0]
        network = network_of(plain)
        place = wanted.index(network) if network in wanted else len(wanted)
        return place, rate_of(plain) or 0.0

    return tuple(sorted(found, key=lambda name: (*position(name), found.index(name))))
