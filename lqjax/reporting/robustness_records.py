"""Robustness in numbers as a long table for other programs: one number a line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lqjax.metrics.interval import Estimate
from lqjax.metrics.normalised_errors import NormalisedErrors
from lqjax.reporting.robustness import ModelRobustness, Robustness
from lqjax.reporting.suite_errors import SuiteErrors

ALL = "all"


@dataclass(frozen=True)
class RobustnessRecord:
    """One number. Shares are in [0, 1], ratios have the reference at 1.

    Attributes:
      measure: such as "drop", "ce", "relative_mce"; of balanced errors "be", "rbe".
      scope: "all" degraded conditions, a severity level, a family of conditions, or a suite.
      reference: what a ratio is normalised by; empty for other measures.
      value, low, high: with the 95 % interval; `None` where undefined, or without interval.
      reason: why a ratio is undefined.
    """

    model: str
    measure: str
    scope: str
    reference: str
    value: float | None
    low: float | None
    high: float | None
    reason: str = ""


def robustness_records(robustness: Robustness | None) -> list[RobustnessRecord]:
    """Return all numbers of the robustness section."""
    return list(_records(robustness)) if robustness is not None else []


def _records(robustness: Robustness) -> Iterator[RobustnessRecord]:
    for model in robustness.models:
        yield from _of_model(model)
        for level in robustness.levels:
            found = level.accuracy[model.model]
            yield _estimated(model.model, "accuracy", level.level, found)
    for suite in robustness.suites:
        yield from _of_suite(suite)


def _of_model(model: ModelRobustness) -> Iterator[RobustnessRecord]:
    for measure in ("clean", "degraded", "drop", "relative_drop", "chance_corrected", "area"):
        found = getattr(model, measure)
        if found is not None:
            reason = model.undefined.get(measure, "")
            yield _estimated(model.model, measure, ALL, found, reason=reason)
    for measure in ("balanced_clean", "balanced_degraded"):
        yield _plain(model.model, f"{measure}_error", ALL, "", getattr(model, measure))
    for family, found in model.drops.items():
        yield _estimated(model.model, "drop", family, found)
    for family, found in model.areas.items():
        yield _estimated(model.model, "area", family, found)


def _of_suite(suite: SuiteErrors) -> Iterator[RobustnessRecord]:
    for model, errors in suite.errors.items():
        for measure, by_model in (
            ("mce", suite.mean_error),
            ("relative_mce", suite.relative_mean_error),
        ):
            reason = errors.mean.reason if math.isnan(by_model[model].value) else ""
            yield _estimated(model, measure, suite.suite, by_model[model], suite.reference, reason)
        yield from _by_corruption(model, suite.reference, errors, ("ce", "relative_ce"))
    for model, errors in suite.balanced.items():
        yield from _by_corruption(model, suite.reference, errors, ("be", "rbe"))
        for measure, value in (("be", errors.mean.ratio), ("rbe", errors.mean.relative)):
            reason = errors.mean.reason if value is None else ""
            yield _plain(model, measure, suite.suite, suite.reference, value, reason)


def _by_corruption(
    model: str, reference: str, errors: NormalisedErrors, measures: tuple[str, str]
) -> Iterator[RobustnessRecord]:
    for cell in errors.corruptions:
        for measure, value in zip(measures, (cell.ratio, cell.relative), strict=True):
            reason = cell.reason if value is None else ""
            yield _plain(model, measure, cell.corruption, reference, value, reason)


def _estimated(
    model: str,
    measure: str,
    scope: str,
    found: Estimate,
    reference: str = "",
    reason: str = "",
) -> RobustnessRecord:
    value, low, high = (number if math.isfinite(number) else None for number in found)
    return RobustnessRecord(model, measure, scope, reference, value, low, high, reason)


def _plain(
    model: str, measure: str, scope: str, reference: str, value: float | None, reason: str = ""
) -> RobustnessRecord:
    return RobustnessRecord(model, measure, scope, reference, value, None, None, reason)
