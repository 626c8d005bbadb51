"""The tables of corruption errors: ratios beside the absolute errors that they come from."""

from __future__ import annotations

from collections.abc import Mapping

from lqjax.metrics.normalised_errors import NormalisedError, NormalisedErrors
from lqjax.metrics.published_errors import ALEXNET_CLEAN_ERROR
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import NOT_DEFINED, percent
from lqjax.reporting.robustness_reference import PUBLISHED
from lqjax.reporting.robustness_tables import measured
from lqjax.reporting.suite_errors import SuiteErrors

MEAN = "mean"
BALANCED_HEADER = ("balanced error %", "balanced rise, points", "BE %", "rBE %")


def suite_error_table(found: SuiteErrors) -> Table:
    """Tabulate mCE and relative mCE by model, and the balanced errors where they are known."""
    header = ["model", "error %", "rise, points", "mCE %", "relative mCE %"]
    header += BALANCED_HEADER if found.balanced else []
    rows = []
    for model, errors in found.errors.items():
        mean = errors.mean
        cells = [model, percent(mean.error), percent(mean.rise)]
        cells += [measured(found.mean_error[model]), measured(found.relative_mean_error[model])]
        if found.balanced:
            balanced = found.balanced[model].mean
            cells += [percent(balanced.error), percent(balanced.rise)]
            cells += [_ratio(balanced.ratio), _ratio(balanced.relative)]
        rows.append(TableRow(tuple(cells)))
    return Table(_about(found), tuple(header), tuple(rows))


def corruption_tables(found: SuiteErrors) -> list[Table]:
    """Tabulate the errors of each model but the reference by degradation."""
    tables = []
    for model in found.errors:
        if model == found.reference:
            continue
        tables.append(
            _table(f"{model}: top-1 errors over those of {found.reference}", "CE %", found, model)
        )
        if found.balanced:
            title = f"{model}: balanced errors over those of {found.reference}"
            tables.append(_table(title, "BE %", found, model, balanced=True))
    return tables


def _table(title: str, ratio: str, found: SuiteErrors, model: str, balanced: bool = False) -> Table:
    errors: NormalisedErrors = (found.balanced if balanced else found.errors)[model]
    cells = [*errors.corruptions, errors.mean]
    reasons = any(cell.reason for cell in cells)
    header = ["degradation", "error %", "reference %", ratio]
    header += ["rise, points", "reference rise, points", f"relative {ratio}"]
    rows = [_row(cell, found.titles, reasons) for cell in cells]
    return Table(
        f"{title}, in {found.suite}, mean over severities.",
        (*header, *(["why not"] * reasons)),
        tuple(rows),
    )


def _row(cell: NormalisedError, titles: Mapping[str, str], reasons: bool) -> TableRow:
    cells = [
        titles.get(cell.corruption, cell.corruption),
        percent(cell.error),
        percent(cell.reference_error),
        _ratio(cell.ratio),
        percent(cell.rise),
        percent(cell.reference_rise),
        _ratio(cell.relative),
    ]
    if reasons:
        cells.append(_reason(cell, titles))
    return TableRow(tuple(cells), "summary" if cell.corruption == MEAN else "")


def _reason(cell: NormalisedError, titles: Mapping[str, str]) -> str:
    text = cell.reason
    for name in sorted(titles, key=len, reverse=True):
        text = text.replace(name, titles[name])
    return text


def _ratio(value: float | None) -> str:
    return NOT_DEFINED if value is None else percent(value)


def _about(found: SuiteErrors) -> str:
    """Say what was divided by what."""
    if found.reference == PUBLISHED:
        return (
            "Corruption errors on ImageNet-C: mean over fifteen corruptions of the sum of errors"
            " over severities, divided by that of the published AlexNet; relative: of the rises"
            " above the clean error, which is"
            f" {percent(ALEXNET_CLEAN_ERROR)} % for the published AlexNet."
        )
    undefined = any(
        cell.reason for errors in (found.errors, found.balanced) for cell in _means(errors)
    )
    text = (
        f"Corruption errors in {found.suite}, divided by those of {found.reference} of this"
        " comparison, which is 100 %: they compare within this comparison, not with published mCE."
        " Rise: error above that on clean images; relative mCE: the same of the rises. BE, rBE: the"
        " same of balanced errors (all classes of one weight), without intervals."
    )
    why = f" {NOT_DEFINED.capitalize()}: the reason stands below, by degradation."
    return f"{text}{why}" if undefined else text


def _means(errors: Mapping[str, NormalisedErrors]) -> list[NormalisedError]:
    return [found.mean for found in errors.values()]
