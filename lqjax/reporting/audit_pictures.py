"""The parts of an audit's page that show pictures: duplicates, and the worst of each flag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lqjax.auditing.duplicates import EXACT, NEAR, DuplicateGroup
from lqjax.auditing.findings import Findings
from lqjax.auditing.flags import Flagged, values_of
from lqjax.reporting.audit_figure import spread_in_words
from lqjax.reporting.audit_files import AUDIT, DUPLICATES
from lqjax.reporting.audit_tables import group_table, threshold
from lqjax.reporting.audit_thumbnails import data_address
from lqjax.reporting.audit_values import in_percent, name_of, with_unit
from lqjax.reporting.audit_words import TITLES, capitalised, leaks
from lqjax.reporting.audited import Audited
from lqjax.reporting.document import Block, Figure, Fold, Section, Text, Thumbnail, Thumbnails
from lqjax.reporting.formatting import plural

MOST_OF_A_GROUP = 3
"""Pictures that are shown of a group of duplicates."""


def duplicate_sections(audited: Audited) -> Iterator[Section]:
    """Yield the section about pictures that are there twice, if any are."""
    findings = audited.findings
    blocks: list[Block] = []
    for kind in (EXACT, NEAR):
        groups = findings.groups_of(kind)
        if not groups:
            continue
        blocks.append(Text(_about_groups(findings, kind, groups)))
        shown = _group_thumbnails(audited, groups)
        if shown.pictures:
            blocks.append(shown)
        title = f"{plural(len(groups), 'group')} of {kind} duplicates"
        blocks.append(Fold(title, (group_table(findings, groups),), DUPLICATES))
    if blocks:
        yield Section("Duplicates", tuple(blocks))


def _about_groups(findings: Findings, kind: str, groups: Sequence[DuplicateGroup]) -> str:
    leaked, conflicts = leaks(findings, kind), sum(group.conflicts for group in groups)
    surplus = sum(len(group.rows) - 1 for group in groups)
    text = {
        EXACT: f"Exact duplicates have the same bytes or the same pixels:"
        f" {plural(surplus, 'superfluous picture')} in {plural(len(groups), 'group')}.",
        NEAR: f"Near duplicates differ in few bits of a hash of what they look like:"
        f" {plural(len(groups), 'group')}. Pictures of a kind, such as films of one view, can look"
        " alike without being the same.",
    }[kind]
    if leaked and findings.table.by_fold:
        text += _across_folds(leaked, kind)
    elif leaked and kind == EXACT:
        text += (
            f" {plural(leaked, 'picture')} outside training"
            f" {'has a twin' if leaked == 1 else 'have twins'} in it, and what is measured on them"
            " will be too good; of twins the one that is tested stays."
        )
    elif leaked:
        text += (
            f" {plural(leaked, 'picture')} outside training {'looks' if leaked == 1 else 'look'}"
            " like one in it: if they are the same, what is measured on them will be too good."
        )
    if conflicts:
        wrong = ": one of them is wrong" if kind == EXACT else ""
        text += f" In {plural(conflicts, 'group')} the labels differ{wrong}."
    return text


def _across_folds(leaked: int, kind: str) -> str:
    pictures = plural(leaked, "picture")
    if kind == EXACT:
        return (
            f" {pictures} have a twin in another fold, and what is measured on them will be too"
            " good; one of each group stays."
        )
    return (
        f" {pictures} look like one of another fold: if they are the same, what is measured on"
        " them will be too good."
    )


def _group_thumbnails(audited: Audited, groups: Sequence[DuplicateGroup]) -> Thumbnails:
    findings = audited.findings
    numbers = {id(group): place for place, group in enumerate(findings.groups, start=1)}
    shown = []
    for group in groups[: audited.thumbnails]:
        for row, bits in list(zip(group.rows, group.distances, strict=True))[:MOST_OF_A_GROUP]:
            value = f"group {numbers[id(group)]}" + (f", {bits} bits" if group.kind == NEAR else "")
            shown += _thumbnail(audited, row, value)
    return Thumbnails("duplicates, the worst groups first", tuple(shown))


def flag_sections(audited: Audited, drawn: Sequence[str]) -> Iterator[Section]:
    """Yield a section for each flag that some pictures have; the other measures in a fold."""
    quiet: list[Block] = []
    for found in audited.findings.flagged:
        title = TITLES[found.rule.flag]
        if found.rows.size:
            yield Section(capitalised(title), tuple(_of_flag(audited, found, drawn)))
        elif found.rule.flag in drawn:
            quiet.append(_figure(audited, found))
        elif found.measured:
            quiet.append(_one_value(audited, found))
    if quiet:
        fold = Fold("Measures that stay within their thresholds", tuple(quiet), AUDIT)
        yield Section("Nothing to flag", (fold,))


def _one_value(audited: Audited, found: Flagged) -> Text:
    values = values_of(audited.findings.table, found.rule.measure)
    value = with_unit(found.rule.measure, float(values[np.isfinite(values)][0]))
    of = plural(found.measured, "picture")
    return Text(f"{capitalised(name_of(found.rule.measure))}: {value}, the same in {of}.")


def _of_flag(audited: Audited, found: Flagged, drawn: Sequence[str]) -> Iterator[Block]:
    table = audited.findings.table
    count = len(found.rows)
    yield Text(
        f"{plural(count, 'picture')} ({in_percent(count, len(table))} %):"
        f" {threshold(found.rule)} (audit.{found.rule.setting})."
        + (" The worst come first." if count > 1 else "")
    )
    if found.rule.flag in drawn:
        yield _figure(audited, found)
    values = values_of(table, found.rule.measure)
    shown = [
        thumbnail
        for row in found.rows[: audited.thumbnails].tolist()
        for thumbnail in _thumbnail(audited, row, with_unit(found.rule.measure, values[row]))
    ]
    if shown:
        yield Thumbnails(f"{TITLES[found.rule.flag]}, the worst first", tuple(shown))


def _figure(audited: Audited, found: Flagged) -> Figure:
    values = values_of(audited.findings.table, found.rule.measure)
    words = spread_in_words(values, found.rule)
    return Figure(found.rule.flag, capitalised(words.removeprefix("Histogram of ")), words)


def _thumbnail(audited: Audited, row: int, value: str) -> list[Thumbnail]:
    table = audited.findings.table
    picture = audited.show(row)
    if picture is None:
        return []
    detail = f"{table.class_names[table.labels[row]]}, {table.splits[row]}"
    return [Thumbnail(data_address(picture), value, str(table.ids[row]), detail)]
