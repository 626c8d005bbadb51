"""What a fitted temperature says about a network, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lqjax.reporting.calibration import NO_VALIDATION, Calibration, ModelCalibration
from lqjax.reporting.formatting import percent, significant
from lqjax.textlists import enumeration

NEAR_ONE = 0.05
"""Relative distance from 1 within which a temperature changes next to nothing."""


def temperature_text(model: ModelCalibration) -> str:
    """Write the temperature of a model, or the range over its runs: 1.42, 1.38 to 1.47."""
    values = [found.value for found in model.temperatures.values()]
    ends = list(dict.fromkeys(significant(value) for value in (min(values), max(values))))
    return " to ".join(ends)


def temperature_sentence(model: ModelCalibration, calibration: Calibration) -> str:
    """Say what the temperature of a model means and what it changed."""
    typical = float(np.exp(np.mean([np.log(t.value) for t in model.temperatures.values()])))
    if abs(typical - 1) <= NEAR_ONE:
        kind = "about as confident as it should be"
    else:
        kind = "overconfident" if typical > 1 else "too cautious"
    where = f"on clean validation images (T = {temperature_text(model)})"
    start = f"{model.model} is {kind} {where}"
    changes = [
        _change(model, conditions, scope) for scope, conditions in calibration.scopes().items()
    ]
    return f"{start}; scaling {', and '.join(changes)}."


def _change(model: ModelCalibration, conditions: tuple, scope: str) -> str:
    before, after = model.mean(conditions), model.mean(conditions, scaled=True)
    errors = _moved("ECE", percent(before.ece), percent(after.ece), after.ece < before.ece)
    losses = _moved(
        "NLL", significant(before.loss), significant(after.loss), after.loss < before.loss
    )
    # The two may part: fewer wrong confidences, but surer ones where the answer is wrong.
    return f"{errors} % and {losses} nats on {scope} test images"


def _moved(name: str, before: str, after: str, lower: bool) -> str:
    if before == after:
        return f"leaves {name} at {before}"
    return f"{'lowers' if lower else 'raises'} {name} from {before} to {after}"


def unscaled_sentences(models: Sequence[ModelCalibration]) -> Iterator[str]:
    """Say of which models no temperature was fitted, and why: once for all without scores."""
    for model in models:
        if model.without not in ("", NO_VALIDATION):
            yield f"{model.model} is not scaled: {model.without}."
    names = [model.model for model in models if model.without == NO_VALIDATION]
    if len(names) == 1:
        yield (
            f"{names[0]} is not scaled: {NO_VALIDATION}; if it was trained here, --mode=evaluate"
            " on its working directory adds them."
        )
    elif names:
        yield (
            f"{enumeration(names)} are not scaled: no scores of their validation images are kept;"
            " where a network was trained here, --mode=evaluate on its working directory adds them."
        )
