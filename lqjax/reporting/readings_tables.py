"""The tables of the readings of a network: what each changes, in the mean and by condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import DEGRADED_MEAN
from lqjax.reporting.conditions import CLEAN, by_family
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import MISSING, gap, interval, percent, plural, with_interval
from lqjax.reporting.readings import ReadCell, Readings, ReadModel
from lqjax.reporting.readings_words import ITSELF, above_one_answer
from lqjax.reporting.study import Study
from lqjax.reporting.tables import without_empty_columns

READINGS_FILE = "readings.csv"
ABOVE = "above one answer"


def summary_table(study: Study, readings: Readings, model: str) -> Table:
    """Tabulate the readings of a network: clean and degraded accuracy, and what each changes."""
    found = readings.of(model)
    first = _fullest(found)
    counts = [above_one_answer(read, study.commonest_share) for read in found]
    own = above_one_answer(first, study.commonest_share, itself=True)
    guarded = any(above < tested for above, tested in (own, *counts))
    header = ["read by"]
    for kind in ("degraded", CLEAN):
        header += [f"{kind} %", f"gap, {kind}", f"over runs, {kind}"]
    cells = [ITSELF]
    for cell in (first.degraded, first.cells.get(CLEAN)):
        cells += [with_interval(cell.itself if cell else None), MISSING, MISSING]
    rows = [TableRow((*cells, _count(own)))]
    for read, count in zip(found, counts, strict=True):
        cells = [read.reading]
        for cell in (read.degraded, read.cells.get(CLEAN)):
            cells += [with_interval(cell.accuracy if cell else None), *_gaps(cell)]
        rows.append(TableRow((*cells, _count(count))))
    if not guarded:
        rows = [TableRow((*row.cells[:-1], MISSING), row.kind) for row in rows]
    table = Table(_caption(study, model, first, guarded), (*header, ABOVE), tuple(rows))
    return without_empty_columns(table)


def condition_tables(readings: Readings, model: str) -> tuple[Table, Table]:
    """Tabulate condition x reading of a network: the accuracies, and the gaps."""
    found = readings.of(model)
    names = [read.reading for read in found]
    return (
        _by_condition(
            readings,
            found,
            f"{model}: accuracy in % by condition, {ITSELF} and read otherwise; with intervals in"
            f" {READINGS_FILE}.",
            ("condition", ITSELF, *names),
            lambda cells: [
                _share(_itself(found, cells)),
                *(_share(cell.accuracy if cell else None) for cell in cells),
            ],
        ),
        _by_condition(
            readings,
            found,
            f"{model}: gap of each reading to {model} {ITSELF} by condition, in points with"
            " 95 % intervals.",
            ("condition", *names),
            lambda cells: [gap(cell.gap if cell else None) for cell in cells],
        ),
    )


def _by_condition(
    readings: Readings,
    found: Sequence[ReadModel],
    caption: str,
    header: tuple[str, ...],
    values: Callable[[Sequence[ReadCell | None]], list[str]],
) -> Table:
    starts = {family[0].name for family in by_family(readings.conditions).values()}
    rows = [
        TableRow(
            (c.short, *values([read.cells.get(c.name) for read in found])),
            "start" if c.name in starts else "",
        )
        for c in readings.conditions
        if any(c.name in read.cells for read in found)
    ]
    means = [read.degraded for read in found]
    if sum(c.degraded for c in readings.conditions) > 1 and any(means):
        rows.append(TableRow((DEGRADED_MEAN, *values(means)), "summary"))
    return Table(caption, header, tuple(rows))


def _fullest(found: Sequence[ReadModel]) -> ReadModel:
    """Return the reading that was compared over most: what its network is without any reading."""
    return max(found, key=_extent)


def _itself(found: Sequence[ReadModel], cells: Sequence[ReadCell | None]) -> Estimate | None:
    """Return what the network itself has in a row, from the reading that was compared over most."""
    there = {_extent(read): cell for read, cell in zip(found, cells, strict=True) if cell}
    return there[max(there)].itself if there else None


def _extent(read: ReadModel) -> tuple[int, int]:
    return read.runs, len(read.cells)


def _gaps(cell: ReadCell | None) -> tuple[str, str]:
    if cell is None:
        return MISSING, MISSING
    return gap(cell.gap), _ends(cell.retrained)


def _ends(estimate: Estimate | None) -> str:
    return MISSING if estimate is None else interval(estimate)


def _share(estimate: Estimate | None) -> str:
    return MISSING if estimate is None else percent(estimate.value)


def _count(found: tuple[int, int]) -> str:
    above, tested = found
    return f"{above} of {tested}" if tested else MISSING


def _caption(study: Study, model: str, first: ReadModel, guarded: bool) -> str:
    degraded = sum(name != CLEAN for name in first.cells)
    parts = [
        f"{model}: top-1 accuracy in % on {plural(study.n, 'test image')}, and the gap to {model}"
        f" {ITSELF} in points on the same images; 95 % intervals.",
        f"Degraded: mean over {plural(degraded, 'condition')}." if degraded > 1 else "",
        "Over runs: interval of the gap over training runs."
        if first.degraded and first.degraded.retrained
        else "",
        f"{ABOVE.capitalize()}: degraded conditions in which more is shown than always answering"
        f" the commonest class gets ({percent(study.commonest_share)} %)."
        if guarded
        else "",
    ]
    return " ".join(filter(None, parts))
