"""The result table as plain text for the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.metrics.interval import Estimate
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.comparison import DEGRADED_MEAN, Comparison
from lqjax.reporting.formatting import STAR, gap, percent, shorten, shorten_middle, with_interval
from lqjax.reporting.study import Study

LABEL_WIDTH = 28
WIDTH = 100
INTERVALS_UP_TO = 2
MODELS_UP_TO = 5
PLAIN_DASH = "-"
GUTTER = 2


def terminal_table(study: Study, comparison: Comparison) -> str:
    """Write condition x model with the gap as text of at most `WIDTH` columns.

    Up to `INTERVALS_UP_TO` models stand with their intervals, up to `MODELS_UP_TO` in all: the
    best ones.
    """
    models = _shown(study, comparison)
    full = len(models) <= INTERVALS_UP_TO
    header = ["accuracy %", *models]
    if comparison.other:
        header.append("gap, points" if full else "best - second")
    lines = []
    for cell in comparison.cells:
        values = [_accuracy(cell.accuracy[model], full) for model in models]
        shown = comparison.shown(cell.condition)
        lines.append(_line(cell.condition.short, values, cell.gap, comparison, shown))
    if len(comparison.shared) > 1:
        values = [_accuracy(comparison.mean[model], full) for model in models]
        lines.append(_line(DEGRADED_MEAN, values, comparison.mean_gap, comparison))
    text = align([header, *lines])
    note = _note(study, comparison, models)
    return f"{text}\n{note}" if note else text


def _shown(study: Study, comparison: Comparison) -> list[str]:
    if len(study.models) <= MODELS_UP_TO:
        return list(study.models)
    best = sorted(
        study.models, key=lambda m: -(comparison.mean[m].value if comparison.mean else 0.0)
    )
    chosen = {comparison.leader, comparison.other, *best[:MODELS_UP_TO]}
    return [model for model in study.models if model in chosen][:MODELS_UP_TO]


def _accuracy(estimate: Estimate | None, full: bool) -> str:
    if estimate is None:
        return PLAIN_DASH
    return with_interval(estimate) if full else percent(estimate.value)


def _line(
    name: str,
    values: list[str],
    value: Estimate | None,
    comparison: Comparison,
    shown: bool = False,
) -> list[str]:
    cells = [name, *values]
    if comparison.other:
        text = PLAIN_DASH if value is None else gap(value, shown)
        cells.append(text if text.endswith(STAR) else text + " " * len(STAR))
    return cells


def _note(study: Study, comparison: Comparison, models: Sequence[str]) -> str:
    notes = []
    if comparison.other:
        many = ", Holm's correction" if comparison.tests and comparison.tests.count > 1 else ""
        notes.append(f"gap: {comparison.leader} - {comparison.other}; * shown at {LEVEL}{many}")
    if len(models) < len(study.models):
        notes.append(f"the best {len(models)} of {len(study.models)} models; the report has all")
    return "; ".join(notes)


def align(lines: Sequence[Sequence[str]]) -> str:
    """Line up columns, the first to the left, the rest to the right; a rule under the header.

    Where the table is wider than `WIDTH`, names are cut, never numbers.
    """
    columns = range(len(lines[0]))
    needed = [max(len(line[i]) for line in lines[1:]) for i in columns]
    needed[0] = min(needed[0], LABEL_WIDTH)
    widths = [max(len(line[i]) for line in lines) for i in columns]
    for _ in range(sum(widths) + GUTTER * (len(widths) - 1) - WIDTH):
        longest = max(columns, key=lambda i: widths[i] - needed[i])
        widths[longest] = max(widths[longest] - 1, needed[longest])
    header = [shorten(name, width) for name, width in zip(lines[0], widths, strict=True)]
    text = [
        (" " * GUTTER)
        .join(
            [shorten_middle(line[0], widths[0]).ljust(widths[0])]
            + [value.rjust(width) for value, width in zip(line[1:], widths[1:], strict=True)]
        )
        .rstrip()
        for line in (header, *lines[1:])
    ]
    return "\n".join([text[0], "-" * max(map(len, text)), *text[1:]])
