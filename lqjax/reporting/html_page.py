"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from string import Template

from lqjax.reporting.document import (
    Block,
    Commands,
    Document,
    Facts,
    Figure,
    Fold,
    Section,
    Table,
    TableRow,
    Text,
    Thumbnails,
    Tiles,
)
from lqjax.reporting.figures import Drawn
from lqjax.reporting.formatting import MISSING, STAR
from lqjax.reporting.markup import Markup, element, join, verbatim
from lqjax.reporting.sorting import sort_value

INTERVAL = re.compile(r"( ?\[[^\[\]]*\])")
ENDS = re.compile(r"(\[-?[\d.,]+, -?[\d.,]+\])")
FLAG = re.compile(r"(?<!\S)(--[a-z][\w.]*(?:=\w+)?)")
SUMMARY = "summary"
LEAST_SORTED = 3
"""Rows from which on sorting is of use."""

LONG = 15
"""Rows above which the head of a table stays in sight."""

LONGEST_NAME = 28
"""Letters up to which the names of all rows stay on one line."""

WIDEST = 130
"""Letters a row that fill the page; with more, intervals stand below their numbers."""

GUTTER = 3
"""Letters that the space between two columns takes."""

LEAST_LISTED = 4
"""Sections from which on there is a list of contents."""

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{script}';"
    " base-uri 'none'; form-action 'none'"
)
"""What the page may load: what is inside it. Only the one script runs, known by its hash."""


def html_page(document: Document, drawn: Mapping[str, Drawn]) -> str:
    """Render a report as a page with its style and figures inside."""
    sections = [_section(number, part, drawn) for number, part in enumerate(document.sections)]
    script = _packaged("page.js")
    return Template(_packaged("page.html")).substitute(
        policy=POLICY.format(script=_hash(script)),
        style=_packaged("page.css"),
        script=script,
        title=join(document.title),
        subtitle=join(document.subtitle),
        headline=join(document.headline),
        verdict=_sentence(document.verdict),
        note=join(document.note),
        tiles=_tiles(document.tiles),
        contents=_contents(document),
        sections=join(*sections),
    )


def _packaged(name: str) -> str:
    return resources.files("lqjax.reporting").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Name a script by its content, as a Content-Security-Policy does."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _contents(document: Document) -> Markup:
    if len(document.sections) < LEAST_LISTED:
        return Markup("")
    entries = [
        element("li", element("a", section.title, href=f"#{_anchor(number)}"))
        for number, section in enumerate(document.sections)
    ]
    return element("nav", element("ol", *entries), aria_label="Contents")


def _anchor(number: int) -> str:
    return f"section-{number + 1}"


def _section(number: int, section: Section, drawn: Mapping[str, Drawn]) -> Markup:
    name = _anchor(number)
    heading = element("h2", section.title, id=name)
    body = [_block(block, drawn) for block in section.blocks]
    return element("section", heading, *body, aria_labelledby=name)


def _block(block: Block, drawn: Mapping[str, Drawn]) -> Markup:
    match block:
        case Text(text):
            return element("p", *_prose(text))
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, drawn[block.name])
        case Thumbnails():
            return _thumbnails(block)
        case Tiles():
            return _tiles(block)
        case Facts(pairs):
            return element(
                "dl",
                *(join(element("dt", k), element("dd", *_unbroken(v))) for k, v in pairs),
                class_="facts",
            )
        case Commands(pairs):
            return _commands(pairs)
        case Fold(title, blocks, file):
            inner = [_block(part, drawn) for part in blocks]
            paper = element("span", f": see {file}", class_="paper")
            return element("details", element("summary", title, paper), *inner)


def _commands(pairs: Sequence[tuple[str, str]]) -> Markup:
    parts = [
        join(element("dt", term), element("dd", element("code", *_words(command))))
        for term, command in pairs
    ]
    return element("dl", *parts, class_="facts")


def _words(command: str) -> Iterator[Markup]:
    """Keep each word of a command on one line: browsers break at the hyphens of a flag."""
    for number, word in enumerate(command.split(" ")):
        yield join(Markup(" " if number else ""), element("span", verbatim(word)))


def _prose(text: str) -> Iterator[str]:
    """Keep each flag in a sentence on one line, for the same reason."""
    for number, part in enumerate(FLAG.split(text)):
        yield element("span", verbatim(part), class_="flag") if number % 2 else part


def _unbroken(text: str) -> Iterator[str]:
    """Keep each interval in a text on one line."""
    for number, part in enumerate(ENDS.split(text)):
        yield element("span", part, class_="interval") if number % 2 else part


def _breakable(name: str) -> Markup:
    """Let a long name break after its underscores, where a table is short of room."""
    return Markup(join(name).replace("_", "_<wbr>"))


def _tiles(tiles: Tiles) -> Markup:
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", tile.term),
                element("dd", tile.value, class_="value"),
                element("dd", _sentence(tile.detail), class_="detail"),
            )
            for tile in tiles.tiles
        ),
        class_="tiles",
    )


def _figure(figure: Figure, drawn: Drawn) -> Markup:
    data = base64.b64encode(drawn.saved.svg.encode()).decode()
    image = element(
        "img",
        src=f"data:image/svg+xml;base64,{data}",
        alt=figure.alternative,
        width=str(drawn.saved.width),
    )
    box = element(
        "div",
        image,
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=f"figure: {figure.name}",
    )
    return element("figure", box, element("figcaption", figure.caption))


def _thumbnails(block: Thumbnails) -> Markup:
    shown = [
        element(
            "li",
            # What there is to say of it stands below it.
            element("img", src=picture.source, alt=f"{picture.name}, {picture.value}"),
            element("strong", picture.value),
            element("span", verbatim(picture.name)),
            element("span", picture.detail, class_="detail"),
        )
        for picture in block.pictures
    ]
    return element("ul", *shown, class_="thumbnails", aria_label=block.title)


def _table(table: Table) -> Markup:
    # Where a column has stars, all its cells keep room for one, so that the numbers line up.
    starred = {i for row in table.rows for i, text in enumerate(row.cells) if text.endswith(STAR)}
    heads = [
        element("th", _breakable(name), scope="col", class_="" if i < table.labels else "number")
        for i, name in enumerate(table.header)
    ]
    body = [_row(row, table.labels, starred) for row in table.rows]
    # Above the table, not inside, so that it does not scroll away with a wide one.
    caption = element("p", table.caption, class_="caption") if table.caption else ""
    moving = sum(row.kind != SUMMARY for row in table.rows)
    inner = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *body),
        data_sortable=table.sortable and moving >= LEAST_SORTED,
    )
    # Focusable, so that a wide table can be scrolled from the keyboard.
    name = table.caption or "table"
    box = element(
        "div", inner, class_=_table_kind(table), tabindex="0", role="region", aria_label=name
    )
    return join(caption, box)


def _table_kind(table: Table) -> str:
    """Say what the style needs to know: texts only, many rows, short names, many letters a row."""
    columns = zip(*(row.cells for row in table.rows), strict=True)
    widths = [max(map(len, cells)) for cells in columns]
    kinds = {
        "prose": len(table.header) == table.labels,
        "long": len(table.rows) > LONG,
        "named": bool(widths) and widths[0] <= LONGEST_NAME,
        "stacked": sum(widths) + GUTTER * len(widths) > WIDEST,
    }
    return " ".join(["wide", *(kind for kind, holds in kinds.items() if holds)])


def _row(row: TableRow, labels: int, starred: set[int]) -> Markup:
    first = element("th", _breakable(row.cells[0]), scope="row")
    copied = len(row.cells) == labels
    rest = [
        element("td", verbatim(text) if copied else _breakable(text))
        if i < labels
        else _number(text, i in starred)
        for i, text in enumerate(row.cells[1:], start=1)
    ]
    return element("tr", first, *rest, class_=row.kind)


def _number(text: str, starred: bool) -> Markup:
    """Write a number cell: the interval fainter, a gap that is shown in bold."""
    shown = text.endswith(STAR)
    words = text[:1].isalpha()
    kind = "number" + " shown" * shown + " missing" * (text == MISSING) + " words" * words
    mark = element("span", "*" if shown else "", class_="mark") if starred else ""
    value = sort_value(text)
    return element(
        "td",
        _sentence(text.removesuffix(STAR), mark),
        class_=kind,
        data_value=None if value is None else repr(value),
    )


def _sentence(text: str, mark: str = "") -> Markup:
    """Keep the brackets of an interval on one line, and fainter than the number.

    Args:
      mark: follows the text; on the line of the interval where the text ends with one.
    """
    *parts, end = INTERVAL.split(text)
    last = len(parts) - 1 if not end else -1
    shown = [
        element("span", part, mark if i == last else "", class_="interval")
        if i % 2
        else part.replace(" %", "\N{NO-BREAK SPACE}%")
        for i, part in enumerate(parts)
    ]
    return join(*shown, end.replace(" %", "\N{NO-BREAK SPACE}%"), mark if last < 0 else "")
