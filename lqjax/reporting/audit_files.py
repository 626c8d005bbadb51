"""The files of an audit for other programs: CSV, and conditions for the grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from etils import epath

from lqjax.auditing.findings import Findings
from lqjax.auditing.flags import SIZE, values_of
from lqjax.data.csv_columns import csv_bytes
from lqjax.rows import replace_bytes

AUDIT, ISSUES, DUPLICATES, KEEP = "audit.csv", "issues.csv", "duplicates.csv", "keep.csv"
CLASSES, CONDITIONS, PAGE = "classes.csv", "conditions.txt", "audit.html"
UNREADABLE, NOT_AUDITED = "unreadable", "not_audited"
DIGITS = 6
"""Significant digits of a measure; they are estimates."""


@dataclass(frozen=True)
class Unread:
    """A picture without measures.

    Attributes:
      id, name: as in `AuditTable`; the id is empty where results cannot hold it.
      split, class_name: where it stands; empty where that is not known.
      reason: why it could not be read; empty for one that was not looked at.
    """

    id: str
    name: str
    split: str
    class_name: str
    reason: str


def write_files(
    findings: Findings, unread: Sequence[Unread], drop: tuple[str, ...], folder: epath.Path
) -> None:
    """Write all files but the page and the figures into a folder, each of them whole."""
    tables = {
        AUDIT: audit_lines(findings, unread),
        ISSUES: issue_lines(findings, unread),
        DUPLICATES: duplicate_lines(findings),
        CLASSES: class_lines(findings),
        KEEP: keep_lines(findings, unread, drop),
    }
    files = {}
    for name, lines in tables.items():
        header, *others = lines
        files[name] = csv_bytes(header, others)
    files[CONDITIONS] = findings.likenesses.text().encode()
    for name, content in files.items():  # all is known before the first is written
        replace_bytes(folder / name, content)


def audit_lines(findings: Findings, unread: Sequence[Unread]) -> Iterator[tuple[str, ...]]:
    """Yield the header and a line for every picture: measures, twins and flags."""
    table = findings.table
    twins = group_numbers(findings)
    columns = [
        table.ids.tolist(),
        table.names,
        table.splits.tolist(),
        [table.class_names[label] for label in table.labels],
        *([number(value) for value in values] for values in table.measures.values()),
        [f"{value:016x}" for value in table.hashes.tolist()],
        table.contents.tolist(),
        *([twins[kind].get(row, "") for row in range(len(table))] for kind in twins),
        [";".join(names) for names in findings.names],
    ]
    head = ("id", "name", "split", "class", *table.measures, "hash", "content")
    yield (*head, *(f"{kind}_group" for kind in twins), "flags")
    yield from zip(*columns, strict=True)
    blanks = ("",) * (len(columns) - 5)
    for lost in unread:
        if lost.reason:
            yield (lost.id, lost.name, lost.split, lost.class_name, *blanks, UNREADABLE)


def group_numbers(findings: Findings) -> Mapping[str, Mapping[int, str]]:
    """Map the rows of duplicates to the numbers of their groups, by kind."""
    found: dict[str, dict[int, str]] = {"exact": {}, "near": {}}
    for place, group in enumerate(findings.groups, start=1):
        for row in group.rows:
            found[group.kind][row] = str(place)
    return found


def issue_lines(findings: Findings, unread: Sequence[Unread]) -> Iterator[tuple[str, ...]]:
    """Yield the header and a line for every flag: how many pictures, and the worst of them."""
    table, splits = findings.table, findings.balance.splits
    thresholds = {found.rule.flag: found.rule for found in findings.flagged}
    yield ("flag", "measure", "below", "above", "pictures", "share", *splits, "worst", "value")
    for flag, rows in findings.rows.items():
        rule = thresholds.get(flag)
        bounds = ("", "", "") if rule is None else (
            rule.measure, *(number(b) if np.isfinite(b) else "" for b in (rule.low, rule.high))
        )  # fmt: skip
        worst = str(table.names[rows[0]]) if rows.size else ""
        value = number(values_of(table, rule.measure)[rows[0]]) if rule and rows.size else ""
        by_split = (str(int((table.splits[rows] == split).sum())) for split in splits)
        share = number(len(rows) / len(table)) if len(table) else ""
        yield (flag, *bounds, str(len(rows)), share, *by_split, worst, value)
    lost = [picture for picture in unread if picture.reason]
    by_split = (str(sum(picture.split == split for picture in lost)) for split in splits)
    share = number(len(lost) / (len(table) + len(lost))) if lost else "0"
    first = (lost[0].name, lost[0].reason) if lost else ("", "")
    yield (UNREADABLE, "", "", "", str(len(lost)), share, *by_split, *first)


def duplicate_lines(findings: Findings) -> Iterator[tuple[str, ...]]:
    """Yield the header and a line for every picture that is there twice."""
    table = findings.table
    yield ("group", "kind", "id", "name", "split", "class", "bits", "leak", "label_conflict")
    for place, group in enumerate(findings.groups, start=1):
        for row, distance in zip(group.rows, group.distances, strict=True):
            yield (
                str(place),
                group.kind,
                str(table.ids[row]),
                str(table.names[row]),
                str(table.splits[row]),
                table.class_names[table.labels[row]],
                str(distance),
                str(int(group.leaks)),
                str(int(group.conflicts)),
            )


def class_lines(findings: Findings) -> Iterator[tuple[str, ...]]:
    """Yield the header and a line for every class: pictures by split, medians of the measures."""
    table, balance = findings.table, findings.balance
    yield ("class", *balance.splits, *(f"{name}_median" for name in (*table.measures, SIZE)))
    for label, name in enumerate(table.class_names):
        chosen = table.labels == label
        medians = (
            _median(values_of(table, measure)[chosen]) for measure in (*table.measures, SIZE)
        )
        yield (name, *map(str, balance.counts[label].tolist()), *medians)


def keep_lines(
    findings: Findings, unread: Sequence[Unread], drop: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the header and a line for every picture that has an id: kept or not, and why not.

    Args:
      drop: flags whose pictures are not kept.
    """
    yield ("id", "keep", "reasons")
    for name, flags in zip(findings.table.ids, findings.names, strict=True):
        reasons = [flag for flag in flags if flag in drop]
        yield (str(name), str(int(not reasons)), ";".join(reasons))
    for lost in filter(lambda picture: picture.id, unread):
        yield (lost.id, "0" if lost.reason else "1", UNREADABLE if lost.reason else NOT_AUDITED)


def number(value: float) -> str:
    """Write a number with `DIGITS` significant digits; nothing where there is none."""
    return f"{value:.{DIGITS}g}" if np.isfinite(value) else ""


def _median(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return number(float(np.median(known))) if known.size else ""
