"""The tables of an audit's page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.auditing.duplicates import DuplicateGroup
from lqjax.auditing.families import ALL, DEFECTS, FILE, LIGHT
from lqjax.auditing.findings import Compared, Findings
from lqjax.auditing.flags import Rule
from lqjax.reporting.audit_files import Unread
from lqjax.reporting.audit_values import in_column, in_percent, name_of, with_unit
from lqjax.reporting.audit_words import TITLES
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import MISSING, optional, p_value, percent, shorten_middle
from lqjax.textlists import enumeration

MOST_GROUPS = 100
MOST_NAMED = 3
LONGEST_NAME = 60

FAMILY_NAMES = {
    FILE: "size and file",
    LIGHT: "light and contrast",
    DEFECTS: "blur, noise and compression",
    ALL: "all measures",
}


def flag_table(findings: Findings, drop: Sequence[str]) -> Table:
    """Return what was flagged, by flag and split."""
    table = findings.table
    splits = () if table.by_fold else findings.balance.splits
    rules = {found.rule.flag: found for found in findings.flagged}
    rows = []
    for flag, chosen in findings.rows.items():
        found = rules.get(flag)
        unknown = found is not None and not found.measured
        counts = [f"{int((table.splits[chosen] == split).sum()):,}" for split in splits]
        share = in_percent(len(chosen), len(table))
        cells = [MISSING] * (len(splits) + 2) if unknown else [f"{len(chosen):,}", share, *counts]
        criterion = threshold(found.rule) if found is not None else _CRITERIA[flag]
        rows.append(TableRow((TITLES[flag], criterion, "no" if flag in drop else "yes", *cells)))
    header = ("flag", "when", "kept", "pictures", "%", *splits)
    return Table("", header, tuple(rows), labels=3)


_CRITERIA = {
    "exact_duplicate": "same bytes or same pixels as one that stays",
    "label_conflict": "same bytes or pixels, another label",
    "near_duplicate": "looks like one that stays",
}


def threshold(rule: Rule) -> str:
    """Write a rule as people read it: sharpness below 0.2."""
    low, high = (
        with_unit(rule.measure, bound) if np.isfinite(bound) else ""
        for bound in (rule.low, rule.high)
    )
    name = name_of(rule.measure)
    if low and high:
        if rule.low == rule.high:
            return f"{name} is not {low}"
        return f"{name} above {high}" if rule.low <= 0 else f"{name} outside {low} to {high}"
    return f"{name} below {low}" if low else f"{name} above {high}"


def group_table(findings: Findings, groups: Sequence[DuplicateGroup]) -> Table:
    """Return the duplicates, the worst first; the first name of each is the one that stays."""
    table = findings.table
    numbers = {id(group): place for place, group in enumerate(findings.groups, start=1)}
    rows = [
        TableRow(
            (
                f"{numbers[id(group)]}",
                enumeration(group.splits),
                enumeration([table.class_names[label] for label in group.labels]),
                ", ".join(
                    shorten_middle(str(table.ids[row]), LONGEST_NAME)
                    for row in group.rows[:MOST_NAMED]
                )
                + (" ..." if len(group.rows) > MOST_NAMED else ""),
                f"{len(group.rows):,}",
                f"{max(group.distances)}",
            )
        )
        for group in groups[:MOST_GROUPS]
    ]
    more = len(groups) - len(rows)
    caption = f"{more:,} more groups stand in duplicates.csv." if more else ""
    header = ("group", "splits", "classes", "pictures", "number", "bits")
    return Table(caption, header, tuple(rows), labels=4)


def balance_table(findings: Findings) -> Table:
    """Return the pictures of each class by split, with the share they have there."""
    balance, totals = findings.balance, findings.balance.counts.sum(axis=0)
    rows = [
        TableRow(
            (
                name,
                *(
                    cell
                    for count, total in zip(counts, totals, strict=True)
                    for cell in (f"{count:,}", percent(count / max(total, 1)))
                ),
            )
        )
        for name, counts in zip(findings.table.class_names, balance.counts, strict=True)
    ]
    sums = TableRow(("all", *(c for total in totals for c in (f"{total:,}", "100.0"))), "summary")
    header = ("class", *(head for split in balance.splits for head in (split, "%")))
    return Table("Pictures by class and split.", header, (*rows, sums))


def difference_table(compared: Compared) -> Table:
    """Return how differently each measure is spread, the largest effect first."""
    two = len(compared.names) == 2
    rows = []
    for found in compared.differences:
        low, high = (0, 1) if two else (found.lowest, found.highest)
        ends = [in_column(found.measure, found.quartiles[group, 1]) for group in (low, high)]
        if not two:
            ends = [
                f"{end} ({compared.names[group]})"
                for end, group in zip(ends, (low, high), strict=True)
            ]
        rows.append(
            TableRow(
                (
                    name_of(found.measure),
                    optional(found.effect, 3),
                    p_value(found.adjusted),
                    *ends,
                )
            )
        )
    heads = compared.names if two else ("lowest median", "highest median")
    return Table(
        "Measures by how differently they are spread. Effect: share of the variance of the ranks"
        " that the groups explain (eta squared; 0.01 small, 0.06 medium, 0.14 large). p: of the"
        " Kruskal-Wallis test, after Holm. Then medians.",
        ("measure", "effect", "p", *heads),
        tuple(rows),
    )


def predicted_table(compared: Compared) -> Table:
    """Return how well families of measures tell the group."""
    rows = [
        TableRow(
            (
                FAMILY_NAMES[family],
                str(len(found.measures)),
                percent(found.accuracy),
                percent(found.chance),
                p_value(found.p_value),
            ),
            "summary" if family == ALL else "",
        )
        for family, found in compared.predicted.items()
    ]
    return Table(
        "Told from the measures alone, in cross-validation: balanced accuracy.",
        ("measures of", "number", "right, %", "by guessing, %", "p"),
        tuple(rows),
        sortable=False,
    )


def unread_table(unread: Sequence[Unread]) -> Table:
    """Return what could not be read, and why."""
    rows = tuple(TableRow((picture.name, picture.reason)) for picture in unread[:MOST_GROUPS])
    more = len(unread) - len(rows)
    caption = f"{more:,} more stand in audit.csv." if more else ""
    return Table(caption, ("picture", "reason"), rows, labels=2)
