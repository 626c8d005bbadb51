"""Errors of the models over those of AlexNet, suite by suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.balanced_error import balanced_errors
from lqjax.metrics.corruption_error import (
    mean_corruption_error,
    relative_mean_corruption_error,
)
from lqjax.metrics.error_table import CLEAN, LEVELLED, ErrorTable, error_table
from lqjax.metrics.interval import Estimate
from lqjax.metrics.normalised_errors import NormalisedErrors, normalise_errors
from lqjax.metrics.published_errors import (
    CORRUPTIONS,
    EXTRA_CORRUPTIONS,
    SAME_CORRUPTIONS,
    published_alexnet,
)
from lqjax.reporting.conditions import Condition
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.robustness_cells import Cells
from lqjax.reporting.robustness_reference import (
    PUBLISHED,
    own_reference,
    why_no_reference,
)

Tables = Callable[[np.ndarray, str], ErrorTable]
"""Makes the errors of a model from accuracies (rows, models, conditions)."""


@dataclass(frozen=True)
class SuiteErrors:
    """Corruption errors within one suite.

    Attributes:
      suite: such as "low_quality".
      reference: the model, or the published AlexNet, that has all ratios at 1.
      titles: names of the corruptions for people.
      errors: by model, corruption by corruption and their mean.
      mean_error, relative_mean_error: mCE and relative mCE by model; NaN where undefined.
      balanced: as `errors`, of balanced errors; empty for the published reference, whose balanced
        errors are not known.
    """

    suite: str
    reference: str
    titles: Mapping[str, str]
    errors: Mapping[str, NormalisedErrors]
    mean_error: Mapping[str, Estimate]
    relative_mean_error: Mapping[str, Estimate]
    balanced: Mapping[str, NormalisedErrors]


def suite_errors(cells: Cells) -> tuple[list[SuiteErrors], str]:
    """Normalise the errors of all models by AlexNet's, and say why where that is not possible.

    Args:
      cells: clean images first, then the degraded.
    """
    suites = complete_suites(cells.conditions[1:])
    if not suites:
        return [], ""
    reference = own_reference((*contenders(cells.study), *cells.models))
    if reference:
        return [_by_own(cells, s, found, reference) for s, found in suites.items()], ""
    study = cells.study
    reason = why_no_reference(study.dataset, len(study.class_names), study.image_size)
    if reason:
        return [], reason
    made, reasons = [], []
    for suite, found in suites.items():
        try:
            made.append(_by_published(cells, suite, found))
        except ValueError as error:
            reasons.append(f"No mCE for {suite}: {error}.")
    return made, " ".join(reasons)


def complete_suites(conditions: Sequence[Condition]) -> dict[str, list[Condition]]:
    """Group conditions by suite: the corruptions that were tested at all levels the suite has here.

    Of a suite with the fifteen corruptions of ImageNet-C its four extra ones are left out, as they
    are of the published mean.
    """
    groups: dict[str, dict[str, list[Condition]]] = {}
    for condition in conditions:
        match = LEVELLED.fullmatch(condition.name)
        if match:
            suite, _, corruption = match["corruption"].rpartition("/")
            kept = groups.setdefault(suite + match["rest"], {})
            kept.setdefault(corruption, []).append(condition)
    return {suite: found for suite, by_name in groups.items() if (found := _complete(by_name))}


def _complete(by_name: Mapping[str, list[Condition]]) -> list[Condition]:
    levels = {condition.level for found in by_name.values() for condition in found}
    names = {SAME_CORRUPTIONS.get(name, name) for name in by_name}
    extra = EXTRA_CORRUPTIONS if set(CORRUPTIONS) <= names else ()
    return [
        condition
        for name, found in by_name.items()
        if len(found) == len(levels) and name not in extra
        for condition in found
    ]


def _by_own(
    cells: Cells, suite: str, conditions: Sequence[Condition], reference: str
) -> SuiteErrors:
    tables = _tables(cells, conditions)
    balanced = {model: _balanced(cells, model, conditions) for model in cells.models}
    return _suite(
        cells,
        suite,
        conditions,
        reference,
        lambda means, model: tables(means, reference),
        {model: normalise_errors(balanced[model], balanced[reference]) for model in cells.models},
    )


def _by_published(cells: Cells, suite: str, conditions: Sequence[Condition]) -> SuiteErrors:
    tables, dataset = _tables(cells, conditions), cells.study.dataset
    return _suite(
        cells,
        suite,
        conditions,
        PUBLISHED,
        lambda means, model: published_alexnet(dataset, tables(means, model)),
        {},
    )


def _suite(
    cells: Cells,
    suite: str,
    conditions: Sequence[Condition],
    reference: str,
    references: Tables,
    balanced: Mapping[str, NormalisedErrors],
) -> SuiteErrors:
    tables = _tables(cells, conditions)

    def estimate(metric: Callable[[ErrorTable, ErrorTable], np.ndarray], model: str) -> Estimate:
        return cells.estimate(lambda means: metric(tables(means, model), references(means, model)))

    return SuiteErrors(
        suite=suite,
        reference=reference,
        titles=_titles(conditions),
        errors={
            model: normalise_errors(
                tables(cells.observed, model), references(cells.observed, model)
            )
            for model in cells.models
        },
        mean_error={m: estimate(mean_corruption_error, m) for m in cells.models},
        relative_mean_error={m: estimate(relative_mean_corruption_error, m) for m in cells.models},
        balanced=balanced,
    )


def _tables(cells: Cells, conditions: Sequence[Condition]) -> Tables:
    places = cells.columns(conditions)

    def tables(means: np.ndarray, model: str) -> ErrorTable:
        # Rounding may leave -1e-16, which is no share.
        errors = np.clip(1 - means[..., cells.models.index(model), :], 0, 1)
        named = {c.name: errors[..., p] for c, p in zip(conditions, places, strict=True)}
        return error_table({CLEAN: errors[..., 0], **named})

    return tables


def _balanced(cells: Cells, model: str, conditions: Sequence[Condition]) -> ErrorTable:
    places = [0, *cells.columns(conditions)]
    correct = cells.correct[:, cells.models.index(model), places].T
    errors = balanced_errors(correct, cells.study.labels)
    names = [CLEAN, *(condition.name for condition in conditions)]
    return error_table(dict(zip(names, errors, strict=True)))


def _titles(conditions: Sequence[Condition]) -> dict[str, str]:
    """Name the corruptions as `error_table` names them, for people."""
    titles = {}
    for condition in conditions:
        match = LEVELLED.fullmatch(condition.name)
        if match:
            titles[match["corruption"] + match["rest"]] = condition.title
    return titles
