"""What stands on the page of an audit, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lqjax.auditing.duplicates import EXACT, NEAR
from lqjax.auditing.families import ALL
from lqjax.auditing.findings import Compared
from lqjax.reporting.audit_files import CONDITIONS, KEEP
from lqjax.reporting.audit_pictures import duplicate_sections, flag_sections
from lqjax.reporting.audit_tables import (
    balance_table,
    difference_table,
    flag_table,
    predicted_table,
    unread_table,
)
from lqjax.reporting.audit_values import in_percent
from lqjax.reporting.audit_words import capitalised, gravest, headline, in_p, leaks, sizes, tells
from lqjax.reporting.audited import WARNING, Audited
from lqjax.reporting.document import (
    Block,
    Commands,
    Document,
    Facts,
    Fold,
    Section,
    Text,
    Tile,
    Tiles,
)
from lqjax.reporting.formatting import as_sentence, percent, plural

LEVEL_OF_TEST = 0.05


def compose_audit(audited: Audited, drawn: Sequence[str]) -> Document:
    """Put the page together.

    Args:
      drawn: names of the figures that there are: flags.
    """
    findings = audited.findings
    sections = [
        _overview(audited),
        *duplicate_sections(audited),
        *flag_sections(audited, drawn),
        _classes(audited),
        *_splits(audited),
        _likeness(audited),
        *_unreadable(audited),
        _measured(audited),
    ]
    return Document(
        title=f"Audit of {findings.table.dataset}",
        subtitle=audited.version,
        headline=headline(findings, audited.unread),
        verdict=_verdict(gravest(findings, audited.unread, audited.warnings)),
        note=" ".join(as_sentence(note) for note in _notes(audited)),
        tiles=_tiles(audited),
        sections=sections,
    )


def _notes(audited: Audited) -> Iterator[str]:
    """Yield what is said of the data in small: what is a warning stands above."""
    yield from filter(None, [audited.credit])
    yield from (note for note in audited.notes if not note.startswith(WARNING))


def _verdict(sentences: Sequence[str]) -> str:
    return " ".join(map(as_sentence, sentences))


def _tiles(audited: Audited) -> Tiles:
    findings = audited.findings
    table = findings.table
    leaked = leaks(findings, EXACT)
    near = leaks(findings, NEAR)
    tiles = [
        Tile("Pictures", f"{len(table):,}", sizes(findings)),
        Tile(
            "With an issue",
            f"{findings.issues:,}",
            f"{in_percent(findings.issues, len(table))} % of them",
        ),
        Tile(
            "Twin in another fold" if table.by_fold else "In training and elsewhere",
            f"{leaked:,}",
            f"the same; {near:,} more look alike",
        ),
        Tile("Not readable", f"{len(audited.lost):,}", ""),
    ]
    found = findings.classes.predicted.get(ALL)
    if found is not None:
        tiles.append(
            Tile(
                "Class told by quality alone",
                f"{percent(found.accuracy)} %",
                f"{percent(found.chance)} % by guessing, {_in_one(f'p {in_p(found.p_value)}')}",
            )
        )
    return Tiles(tuple(tiles))


def _in_one(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _overview(audited: Audited) -> Section:
    blocks: list[Block] = [flag_table(audited.findings, audited.drop)]
    total = len(audited.findings.table) + len(audited.unread)
    blocks.append(
        Text(
            f"{KEEP} keeps {audited.kept:,} of {plural(total, 'picture')}. It leaves out what"
            " cannot be read and what audit.drop names. Look at the pictures below before you add"
            " a flag to it: a flag says what a picture is like, not that it is useless."
        )
    )
    if audited.commands:
        blocks.append(Commands(audited.commands))
    return Section("What was found", tuple(blocks))


def _classes(audited: Audited) -> Section:
    findings = audited.findings
    blocks: list[Block] = [balance_table(findings)]
    balance = findings.balance
    if balance.p_value is not None and balance.p_value < LEVEL_OF_TEST:
        blocks.append(
            Text(
                "The shares of the classes differ between the splits, by up to"
                f" {percent(balance.difference)} points (chi-squared test, p < {LEVEL_OF_TEST})."
            )
        )
    blocks += _compared(findings.classes, "class")
    return Section("Classes", tuple(blocks))


def _splits(audited: Audited) -> Iterator[Section]:
    compared = audited.findings.splits
    if compared is not None and compared.differences:
        yield Section("Training against test", tuple(_compared(compared, "split")))


def _compared(compared: Compared, what: str) -> Iterator[Block]:
    found = compared.predicted.get(ALL)
    if found is not None:
        sentence = tells(compared, found, what)
        advice = {
            (
                "class",
                True,
            ): " A network can learn that in place of what is shown: see which measure"
            " it is, and whether it belongs to the class (skies are bright) or to how its pictures"
            " were taken.",
            ("split", True): " What is measured on the test pictures is then measured on pictures"
            " of another kind than those trained on.",
        }.get((what, found.leaks), "")
        yield Text(f"{capitalised(sentence)}.{advice}")
        yield predicted_table(compared)
    if compared.differences:
        yield difference_table(compared)


def _likeness(audited: Audited) -> Section:
    likenesses = audited.findings.likenesses
    pairs = [
        (f"{what}, {level.level}", text)
        for level in likenesses.levels
        for what, text in level.steps.items()
    ]
    told = (
        "Conditions with the noise, blur and JPEG quality that these pictures have at the network's"
        f" input, for the grid: {CONDITIONS} has them, each alone and all at once. On pictures that"
        " are clean they say how a network would do on pictures like these."
        if pairs
        else "These pictures have too little noise, blur and compression to degrade others with."
    )
    blocks: list[Block] = [Text(told)]
    if pairs:
        blocks.append(Facts(tuple(pairs)))
    blocks += [Text(note) for note in likenesses.notes]
    return Section("Degradations like these", tuple(blocks))


def _unreadable(audited: Audited) -> Iterator[Section]:
    if audited.lost:
        yield Section("Not readable", (unread_table(audited.lost),))


def _measured(audited: Audited) -> Section:
    facts = Facts(tuple(sorted(audited.meanings.items(), key=lambda pair: pair[0].casefold())))
    return Section(
        "How it was measured", (Fold("What each measure is", (facts,), "docs/audit.md"),)
    )
