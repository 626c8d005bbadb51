"""The tables of a report, without saying how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.metrics.shown import LEVEL
from lqjax.reporting.comparison import DEGRADED_MEAN, TESTS_SECTION, Cell, Comparison
from lqjax.reporting.conditions import by_family
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import (
    GAP_HEAD,
    MISSING,
    about_gap,
    gap,
    p_value,
    percent,
    plural,
    with_deviation,
    with_interval,
)
from lqjax.reporting.protocol import spread
from lqjax.reporting.study import Network, Study
from lqjax.reporting.training_state import levelling
from lqjax.textlists import enumeration


def study_table(study: Study, comparison: Comparison) -> Table:
    """Tabulate condition x model with the gap: the table of the study."""
    settings = any(cell.condition.setting for cell in comparison.cells)
    header = ["condition", *(["parameters"] if settings else [])]
    header += [f"{model} %" for model in study.models]
    if comparison.other:
        header.append(GAP_HEAD)
        header.append("p")
    starts = {group[0].name for group in by_family(c.condition for c in comparison.cells).values()}
    rows = [
        _study_row(study, comparison, cell, settings, cell.condition.name in starts)
        for cell in comparison.cells
    ]
    if len(comparison.shared) > 1:
        cells = [DEGRADED_MEAN, *([""] if settings else [])]
        cells += [with_interval(comparison.mean[model]) for model in study.models]
        if comparison.other:
            cells += [gap(comparison.mean_gap), MISSING]
        rows.append(TableRow(tuple(cells), "summary"))
    notes = [
        f"Top-1 accuracy in % on {plural(study.n, 'test image')}, with 95 % intervals.",
        about_gap(comparison.leader, comparison.other),
        spread(study),
        _about_training(study),
        _about_tests(comparison),
    ]
    caption = " ".join(filter(None, notes))
    return Table(caption, tuple(header), tuple(rows), labels=2 if settings else 1)


def _study_row(
    study: Study, comparison: Comparison, cell: Cell, settings: bool, start: bool
) -> TableRow:
    condition = cell.condition
    name = condition.short
    if settings and not condition.level:
        name = condition.title
    cells = [name, *([condition.setting] if settings else [])]
    cells += [with_deviation(cell.accuracy[m], cell.deviation[m]) for m in study.models]
    if comparison.other:
        tests = comparison.tests
        cells.append(gap(cell.gap, comparison.shown(condition)))
        cells.append(p_value(tests.p_values.get(condition.name) if tests else None))
    return TableRow(tuple(cells), "start" if start else "")


def _about_training(study: Study) -> str:
    rising = [m for m in study.models if any(_is_rising(n) for n in study.networks[m])]
    return f"Undertrained: {enumeration(rising)}." if rising else ""


def _is_rising(network: Network) -> bool:
    state = levelling(network.history)
    return state is not None and not state.levelled_off


def _about_tests(comparison: Comparison) -> str:
    """Say what p is, and the star."""
    tests = comparison.tests
    if tests is None:
        return ""
    marked = f"* marks those up to {LEVEL}."
    if len(comparison.pairs) > 1:
        return (
            f"p, of {comparison.leader} against {comparison.other}, is that of {tests.test};"
            f" corrected by Holm over all {len(comparison.pairs)} pairs of networks, which stand"
            f" under {TESTS_SECTION}; {marked}"
        )
    several = tests.count > 1
    many = f", after Holm's correction for {tests.count} degraded conditions," if several else ""
    return f"p{many} is that of {tests.test}; {marked}"


def without_empty_columns(table: Table) -> Table:
    """Drop the number columns in which no row has a number."""
    keep = [
        i
        for i in range(len(table.header))
        if i < table.labels or any(row.cells[i] != MISSING for row in table.rows)
    ]
    rows = tuple(TableRow(tuple(row.cells[i] for i in keep), row.kind) for row in table.rows)
    return Table(table.caption, tuple(table.header[i] for i in keep), rows, table.labels)


def training_table(study: Study) -> Table | None:
    """Tabulate how training ended; `None` without a history."""
    rows = []
    for network in study.all_networks:
        state = levelling(network.history)
        if state is None:
            continue
        epochs = sorted(network.history, key=lambda epoch: epoch.epoch)
        best = max(epochs, key=lambda epoch: epoch.validation_accuracy)
        answer = "yes" if state.levelled_off else f"no, up {percent(state.rise)} points"
        rows.append(
            TableRow(
                (
                    run_title(study, network),
                    f"{len(epochs)}",
                    percent(state.last),
                    percent(epochs[-1].validation_accuracy),
                    f"{percent(best.validation_accuracy)} (epoch {best.epoch})",
                    answer,
                )
            )
        )
    header = ("run", "epochs", "training %", "validation %", "best validation %", "levelled off")
    return Table("How training ended.", header, tuple(rows)) if rows else None


def run_title(study: Study, network: Network) -> str:
    """Name a run: by its model alone where it is the only one."""
    runs: Sequence[Network] = study.networks[network.model]
    if len(runs) == 1:
        return network.model
    fold = f", fold {network.fold}" if any(run.fold for run in runs) else ""
    return f"{network.model} (seed {network.seed}{fold})"
