"""Calibration by model and condition as a table for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lqjax.reporting.calibration import NUMBERS, Calibration
from lqjax.reporting.conditions import Condition
from lqjax.reporting.severity_levels import by_level

NOT_SCALED, SCALED = "none", "temperature"


@dataclass(frozen=True)
class CalibrationRecord:
    """One model under one condition, or the mean over several; means over seeds.

    Attributes:
      scope: "condition", or "mean" over all degraded conditions or over those of one level.
      condition: the condition; "degraded" or the level where it is a mean.
      scaling: "none", or "temperature" for scores divided by `temperature`.
      temperature: mean over runs; `None` without scaling.
      accuracy, confidence: shares in [0, 1]; confidence of the predicted class.
      ece, adaptive_ece: shares in [0, 1], 15 bins.
      loss: mean log loss in nats.
      brier: in [0, 2]; reliability - resolution + uncertainty + variance_within -
        covariance_within.
    """

    model: str
    scope: str
    condition: str
    scaling: str
    temperature: float | None
    accuracy: float
    confidence: float
    ece: float
    adaptive_ece: float
    loss: float
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    variance_within: float
    covariance_within: float


def calibration_records(calibration: Calibration | None) -> list[CalibrationRecord]:
    """Return all numbers of the calibration section, before and after scaling."""
    return list(_records(calibration)) if calibration is not None else []


def _records(calibration: Calibration) -> Iterator[CalibrationRecord]:
    clean = (calibration.clean,) if calibration.clean else ()
    scopes: list[tuple[str, str, tuple[Condition, ...]]] = [
        ("condition", c.name, (c,)) for c in (*clean, *calibration.shared)
    ]
    if calibration.shared:
        scopes.append(("mean", "degraded", calibration.shared))
    scopes += [("mean", level, tuple(c)) for level, c in by_level(calibration.shared).items()]
    for model in calibration.models:
        values = [found.value for found in model.temperatures.values()]
        for scaling in (NOT_SCALED, SCALED) if model.scaled else (NOT_SCALED,):
            scaled = scaling == SCALED
            temperature = sum(values) / len(values) if scaled else None
            for scope, condition, conditions in scopes:
                found = model.mean(conditions, scaled)
                yield CalibrationRecord(
                    model=model.model,
                    scope=scope,
                    condition=condition,
                    scaling=scaling,
                    temperature=temperature,
                    **{name: getattr(found, name) for name in NUMBERS},
                    **found.parts._asdict(),
                )
