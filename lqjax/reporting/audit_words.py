"""What an audit found, in sentences: for the screen and the head of its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lqjax.auditing.duplicates import EXACT, NEAR, DuplicateGroup
from lqjax.auditing.families import ALL
from lqjax.auditing.findings import Compared, Findings
from lqjax.auditing.predictability import Predictability
from lqjax.auditing.table import TRAIN
from lqjax.reporting.audit_files import Unread
from lqjax.reporting.audit_values import name_of
from lqjax.reporting.formatting import p_value, percent, plural, significant
from lqjax.textlists import enumeration

TITLES = {
    "blurry": "blurry",
    "out_of_focus": "out of focus",
    "dark": "dark",
    "over_exposed": "over-exposed",
    "low_contrast": "low contrast",
    "low_information": "low information",
    "odd_size": "odd size",
    "odd_aspect": "odd aspect",
    "noisy": "noisy",
    "compressed": "strongly compressed",
    "blocky": "blocky",
    "exact_duplicate": "exact duplicate",
    "label_conflict": "label conflict",
    "near_duplicate": "near duplicate",
}
"""What people call a flag."""

CLEAR, STRONG = 0.1, 0.3
"""Share of the way from guessing to certainty from which quality tells a group clearly, or well."""

IMBALANCED = 3.0
"""Pictures of the commonest class for each of the rarest, from which balance is worth a line."""


def lines(
    findings: Findings, unread: Sequence[Unread], kept: int, warnings: Sequence[str] = ()
) -> list[str]:
    """Say in about ten lines what was found, the data first and what is kept last.

    Args:
      warnings: of what was known of the data before any picture was read.
    """
    table = findings.table
    total = len(table) + len(unread)
    return [
        f"{table.dataset}: {plural(len(table), 'picture')} ({sizes(findings)}),"
        f" {len(table.class_names):,} classes",
        *warnings,
        *said(findings, unread),
        f"keep.csv keeps {kept:,} of {plural(total, 'picture')}",
    ]


def sizes(findings: Findings) -> str:
    """Say how many pictures each split has, or how many folds there are."""
    table, splits = findings.table, findings.balance.splits
    if table.by_fold:
        return f"in {len(splits):,} folds"
    return ", ".join(f"{int((table.splits == split).sum()):,} {split}" for split in splits)


def said(findings: Findings, unread: Sequence[Unread]) -> list[str]:
    """Say what was found, the gravest first, a sentence each."""
    return [
        *_unreadable(unread),
        *_duplicates(findings, EXACT),
        *_duplicates(findings, NEAR),
        *_flags(findings),
        *_balance(findings),
        *_tells(findings.classes, "class"),
        *_tells(findings.splits, "split"),
        *_likeness(findings),
    ]


def gravest(
    findings: Findings, unread: Sequence[Unread], warnings: Sequence[str] = ()
) -> list[str]:
    """Say what nobody should train with, a sentence each; what was flagged where there is none."""
    grave = [*warnings, *_unreadable(unread)]
    if any(group.leaks or group.conflicts for group in findings.groups_of(EXACT)):
        grave += _duplicates(findings, EXACT)
    for compared, what in ((findings.classes, "class"), (findings.splits, "split")):
        found = None if compared is None else compared.predicted.get(ALL)
        if found is not None and found.leaks and gain(found) >= CLEAR:
            grave += _tells(compared, what)
    return grave or [*_flags(findings)]


def headline(findings: Findings, unread: Sequence[Unread]) -> str:
    """Say the most important in one line."""
    leaked = leaks(findings, EXACT)
    lost = [picture for picture in unread if picture.reason]
    total = len(findings.table) + len(lost)
    parts = []
    if leaked:
        parts.append(
            f"{plural(leaked, 'picture')} {_has(leaked)} a twin in another fold"
            if findings.table.by_fold
            else f"{plural(leaked, 'picture')} of other splits {_are(leaked)} in the training"
            " split, too"
        )
    share = findings.issues + len(lost)
    parts.append(
        f"{share:,} of {plural(total, 'picture')} {_has(share)} an issue"
        if share
        else f"nothing to say against {total:,} pictures"
    )
    text = ", and ".join(parts)
    return capitalised(text)


def leaks(findings: Findings, kind: str) -> int:
    """Count the pictures outside training that have a twin in it; of folds, in another fold."""
    if findings.table.by_fold:
        return sum(len(group.rows) for group in findings.groups_of(kind) if group.leaks)
    rows = [
        row
        for group in findings.groups_of(kind)
        if TRAIN in group.splits
        for row in group.rows
        if findings.table.splits[row] != TRAIN
    ]
    return len(rows)


def _unreadable(unread: Sequence[Unread]) -> Iterator[str]:
    lost = [picture for picture in unread if picture.reason]
    if lost:
        first = ", the first" if len(lost) > 1 else ""
        name = lost[0].id or lost[0].name
        yield f"{plural(len(lost), 'picture')} cannot be read{first}: {name} ({lost[0].reason})"


def _duplicates(findings: Findings, kind: str) -> Iterator[str]:
    groups = findings.groups_of(kind)
    if not groups:
        yield f"no {kind} duplicates"
        return
    surplus = sum(len(group.rows) - 1 for group in groups)
    text = f"{plural(surplus, f'{kind} duplicate')} in {plural(len(groups), 'group')}"
    leaked, conflicts = leaks(findings, kind), sum(group.conflicts for group in groups)
    if leaked and findings.table.by_fold:
        nearly, so = ("", "a leak") if kind == EXACT else ("nearly ", "look at them")
        text += f"; {plural(leaked, 'picture')} {nearly}{_has(leaked)} a twin in another fold: {so}"
    elif leaked:
        where = "in training, too: a leak" if kind == EXACT else "nearly in training: look at them"
        text += f"; {plural(leaked, 'picture')} of other splits {_are(leaked)} {where}"
    if conflicts:
        text += f"; {plural(conflicts, 'group')} {_has(conflicts)} several labels"
    yield text


def _flags(findings: Findings) -> Iterator[str]:
    found = [f"{len(f.rows):,} {TITLES[f.rule.flag]}" for f in findings.flagged if f.rows.size]
    none = [TITLES[f.rule.flag] for f in findings.flagged if not f.rows.size and f.measured]
    if found:
        yield ", ".join(found)
    if none:
        yield f"none {', none '.join(none)}" if len(none) < 3 else f"no picture is {_or(none)}"


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]])


def _balance(findings: Findings) -> Iterator[str]:
    balance, names = findings.balance, findings.table.class_names
    if not balance.counts.size:
        return
    counts, split = balance.trained, balance.splits[0]
    rarest, commonest = names[int(counts.argmin())], names[int(counts.argmax())]
    by_fold = findings.table.by_fold
    if not counts.min():
        yield f"class {rarest!r} has no picture" + ("" if by_fold else f" in the {split} split")
    elif balance.imbalance >= IMBALANCED:
        yield (
            f"class {commonest!r} has {significant(balance.imbalance, 2)} times as many"
            f" {'' if by_fold else f'{split} '}pictures as {rarest!r}"
        )


def _tells(compared: Compared | None, what: str) -> Iterator[str]:
    found = None if compared is None else compared.predicted.get(ALL)
    if compared is not None and found is not None:
        yield tells(compared, found, what)


def tells(compared: Compared, found: Predictability, what: str) -> str:
    """Say whether quality alone tells the class or the split of a picture."""
    numbers = (
        f"{percent(found.accuracy)} % are put right where guessing gets {percent(found.chance)} %"
        f" (balanced accuracy, p {in_p(found.p_value)})"
    )
    if what == "split":
        verb, what = "tells training from test", ""
    else:
        verb = "tells"
    whom = f" the {what}" if what else ""
    if not found.leaks:
        return f"quality alone {verb.replace('tells', 'does not tell', 1)}{whom}: {numbers}"
    degree = "clearly " if gain(found) >= STRONG else "" if gain(found) >= CLEAR else "slightly "
    strongest = enumeration([name_of(d.measure) for d in compared.differences[:2]])
    most = f"; most by {strongest}" if strongest else ""
    return f"quality alone {degree}{verb}{whom}: {numbers}{most}"


def gain(found: Predictability) -> float:
    """Return the share of the way from guessing to certainty that the measures go."""
    return (found.accuracy - found.chance) / (1 - found.chance)


def in_p(value: float) -> str:
    """Write a p-value as it follows the letter: = 0.042, <0.001."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _likeness(findings: Findings) -> Iterator[str]:
    levels = findings.likenesses.levels
    if levels:
        yield f"degradations like those of these pictures ({levels[0].level}): {levels[0].chain}"


def describes(group: DuplicateGroup, names: Sequence[str]) -> str:
    """Name the splits and classes of a group."""
    return f"{enumeration(group.splits)}, {enumeration([names[label] for label in group.labels])}"


def capitalised(text: str) -> str:
    """Begin a text with a capital letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
