"""The main table as a long table for other programs: accuracies and the gap, one number a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import DEGRADED_MEAN, Comparison


@dataclass(frozen=True)
class ComparisonRecord:
    """One number of the main table.

    Attributes:
      condition: its name, or "mean of the degraded" over those that all models finished.
      measure: "accuracy", or "gap" of `model` minus `other`; shares in [0, 1] and [-1, 1].
      value, low, high: with the 95 % interval.
      deviation: standard deviation over folds or seeds; `None` for a single run.
      test: name of the test of a gap.
      p: its p-value, corrected by Holm over the degraded conditions, of all pairs of models where
        there are several; `None` for means. tests.csv has every pair.
    """

    condition: str
    measure: str
    model: str
    other: str
    value: float
    low: float
    high: float
    deviation: float | None = None
    test: str = ""
    p: float | None = None


def comparison_records(comparison: Comparison) -> list[ComparisonRecord]:
    """Return all numbers of the main table."""
    return [*_of_conditions(comparison), *_of_means(comparison)]


def _of_conditions(comparison: Comparison) -> Iterator[ComparisonRecord]:
    for cell in comparison.cells:
        name = cell.condition.name
        for model, found in cell.accuracy.items():
            if found is not None:
                yield _accuracy(name, model, found, cell.deviation[model])
        if cell.gap is not None:
            tests = comparison.tests
            yield ComparisonRecord(
                name, "gap", comparison.leader, comparison.other, *cell.gap,
                test=tests.test if tests else "",
                p=tests.p_values.get(name) if tests else None,
            )  # fmt: skip


def _of_means(comparison: Comparison) -> Iterator[ComparisonRecord]:
    for model, found in comparison.mean.items():
        yield _accuracy(DEGRADED_MEAN, model, found)
    if comparison.mean_gap is not None:
        pair = comparison.leader, comparison.other
        yield ComparisonRecord(DEGRADED_MEAN, "gap", *pair, *comparison.mean_gap)


def _accuracy(
    condition: str, model: str, found: Estimate, deviation: float | None = None
) -> ComparisonRecord:
    return ComparisonRecord(condition, "accuracy", model, "", *found, deviation=deviation)
