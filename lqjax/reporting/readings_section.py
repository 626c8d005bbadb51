"""The section on readings: what the same weights answer when they are read otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import DEGRADED_MEAN
from lqjax.reporting.conditions import CLEAN
from lqjax.reporting.document import Block, Facts, Fold, Table, TableRow, Text
from lqjax.reporting.formatting import (
    MISSING,
    as_sentence,
    gap,
    number_word,
    percent,
    plural,
    points,
    with_interval,
)
from lqjax.reporting.readings import ReadCell, Readings, ReadModel
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

READINGS_SECTION = "The same weights, read otherwise"
READINGS_FILE = "readings.csv"
ITSELF = "as trained"
"""What the answers of a network itself are called beside those of its readings."""

MOST_OPEN = 2
"""With more models the tables by condition are closed until asked for."""


def readings_section(study: Study, readings: Readings | None) -> Iterator[Block]:
    """Say what each reading changes, and on which conditions; nothing without readings."""
    if readings is None:
        return
    for sentence in readings_in_words(readings, study.commonest_share):
        yield Text(sentence)
    if readings.models:
        yield readings_table(study, readings)
        yield Text(_method(study, readings))
        tables = [_by_condition(readings, model) for model in _models(readings)]
        if len(tables) > MOST_OPEN:
            yield Fold("By condition", tuple(tables), READINGS_FILE)
        else:
            yield from tables
    yield Facts(tuple(_kinds(readings)))


def readings_in_words(readings: Readings, commonest: float) -> list[str]:
    """Say what the numbers allow, a paragraph for each model; what is lacking comes last.

    Args:
      commonest: accuracy of always answering the commonest class.
    """
    paragraphs = []
    for model in _models(readings):
        found = [read for read in readings.models if read.model == model]
        parts = [*map(_sentence, found), _above_one_answer(found, commonest)]
        parts += [
            f"Not tested to the end: {read.reading} lacks {plural(read.open, 'condition')} that"
            f" {model} has."
            for read in found
            if read.open
        ]
        parts += [as_sentence(f"{read.reading}: {note}") for read in found for note in read.notes]
        paragraphs.append(" ".join(filter(None, parts)))
    return paragraphs + ([" ".join(readings.lacking)] if readings.lacking else [])


def readings_table(study: Study, readings: Readings) -> Table:
    """Tabulate model x reading: clean and degraded accuracy, and what the reading changes."""
    retrained = any(read.retrained is not None for read in readings.models)
    header = ["model", "read by", "clean %", f"{DEGRADED_MEAN} %", "gap clean, points"]
    header += ["gap degraded, points", *(["gap over training runs"] if retrained else [])]
    rows = []
    for model in _models(readings):
        found = [read for read in readings.models if read.model == model]
        clean, degraded = (
            next((cell for read in found if (cell := _cell(read, name)) is not None), None)
            for name in (CLEAN, DEGRADED_MEAN)
        )
        itself = [_accuracy(clean, "itself"), _accuracy(degraded, "itself"), MISSING, MISSING]
        rows.append(TableRow((model, ITSELF, *itself, *([MISSING] * retrained)), "start"))
        for read in found:
            cells = [_cell(read, CLEAN), read.degraded]
            values = [_accuracy(cell, "accuracy") for cell in cells]
            values += [gap(cell.gap if cell else None) for cell in cells]
            values += [gap(read.retrained)] if retrained else []
            rows.append(TableRow((model, read.reading, *values)))
    caption = (
        f"Top-1 accuracy in % on {plural(study.n, 'test image')}, with 95 % intervals. Gap: the"
        " reading less the network as trained, paired on the same images. Always answering the"
        f" commonest class is right for {percent(study.commonest_share)} %."
    )
    return Table(caption, tuple(header), tuple(rows), labels=2)


def _by_condition(readings: Readings, model: str) -> Table:
    found = [read for read in readings.models if read.model == model]
    header = ["condition", f"{ITSELF} %"]
    for read in found:
        header += [f"{read.reading} %", "gap, points"]
    rows = []
    for condition in readings.conditions:
        cells = [read.cells.get(condition.name) for read in found]
        itself = next((cell.itself for cell in cells if cell is not None), None)
        texts = [percent(itself.value) if itself is not None else MISSING]
        for cell in cells:
            texts.append(percent(cell.accuracy.value) if cell is not None else MISSING)
            texts.append(gap(cell.gap) if cell is not None else MISSING)
        rows.append(TableRow((condition.short, *texts)))
    return Table(
        f"{model}, condition by condition: accuracy in %, and the gap to {model} as trained.",
        tuple(header),
        tuple(rows),
    )


def _models(readings: Readings) -> Sequence[str]:
    return list(dict.fromkeys(read.model for read in readings.models))


def _cell(read: ReadModel, name: str) -> ReadCell | None:
    return read.degraded if name == DEGRADED_MEAN else read.cells.get(name)


def _accuracy(cell: ReadCell | None, which: str) -> str:
    return with_interval(getattr(cell, which) if cell is not None else None)


def _sentence(read: ReadModel) -> str:
    """Say of one reading whether it is shown to help, on degraded and on clean images."""
    clean = read.cells.get(CLEAN)
    who = f"{read.model} ({number_word(read.runs)} runs)" if read.runs > 1 else read.model
    if read.degraded is not None:
        text = _said(read, who, read.degraded.gap, "degraded")
        if read.retrained is not None:
            text += f", over training runs {points(read.retrained)}"
        if clean is not None:
            text += f"; of the clean images {_aside(clean.gap)}"
        return text + "."
    return _said(read, who, clean.gap, CLEAN) + "." if clean is not None else ""


def _said(read: ReadModel, who: str, found: Estimate, kind: str) -> str:
    if _is_shown(found, read.retrained):
        return (
            f"Read by {read.reading}, {who} classified {_size(found)} of the {kind} images"
            " correctly than as trained"
        )
    return (
        f"Read by {read.reading}, {who} is not shown to classify more or fewer of the {kind} images"
        f" correctly than as trained ({points(found)})"
    )


def _above_one_answer(found: Sequence[ReadModel], commonest: float) -> str:
    """Count where more is shown than that one class is answered always.

    A reading that changes from one such answer to another one can gain much, and knows nothing.
    """
    counts: list[str] = []
    tested = 0
    for read in found:
        cells = [cell for name, cell in read.cells.items() if name != CLEAN]
        if not counts and cells:
            above = sum(cell.itself.low > commonest for cell in cells)
            counts, tested = [f"{read.model} {ITSELF} in {above}"], len(cells)
        if len(cells) == tested:  # others were cut off
            above = sum(cell.accuracy.low > commonest for cell in cells)
            counts.append(f"by {read.reading} in {above}")
    if not tested:
        return ""
    return (
        f"Of {plural(tested, 'degraded condition')} a better accuracy than that of always answering"
        f" the commonest class ({percent(commonest)} %) is shown for {enumeration(counts)}."
    )


def _is_shown(found: Estimate, retrained: Estimate | None) -> bool:
    """Tell whether a gap is more than the choice of images and, where known, of the training."""
    if retrained is None:
        return found.excludes_zero()
    same_way = (found.value > 0) == (retrained.value > 0)
    return found.excludes_zero() and retrained.excludes_zero() and same_way


def _aside(found: Estimate) -> str:
    return _size(found) if found.excludes_zero() else f"as many, as far as shown ({points(found)})"


def _size(found: Estimate) -> str:
    """Write a gap that is shown: 5.2 points [3.0, 7.4] more."""
    if found.value > 0:
        return f"{points(found)} more"
    return f"{points(Estimate(-found.value, -found.high, -found.low))} fewer"


def _method(study: Study, readings: Readings) -> str:
    unit = "whole groups of images" if study.groups is not None else "test images"
    covers = "folds" if study.folds > 1 else unit
    parts = [
        "Readings enter no mean, no test and no verdict of the rest of this report: they are tested"
        f" beside the network, on the same images. Intervals are over {covers}, each gap by itself,"
        " without correction for their number; a reading that is chosen because it does best here"
        " has to be tested on other images."
    ]
    if any(read.runs > 1 for read in readings.models) and study.folds == 1:
        parts.append("Accuracies of several runs of a model are means over its runs.")
    return " ".join(parts)


def _kinds(readings: Readings) -> Iterator[tuple[str, str]]:
    """Say what each kind of reading is, once for all its parameters."""
    by_text: dict[tuple[str, str, str], list[str]] = {}
    for name, kind in readings.kinds.items():
        settled = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in kind.settled.items())
        by_text.setdefault((kind.about, settled, kind.source), []).append(name)
    for (about, settled, source), names in by_text.items():
        parts = [about, as_sentence(f"here: {settled}") if settled else "", f"Source: {source}."]
        yield enumeration(names), " ".join(filter(None, parts))
