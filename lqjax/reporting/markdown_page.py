"""The report as Markdown beside its figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lqjax.reporting.document import (
    Block,
    Commands,
    Document,
    Facts,
    Figure,
    Fold,
    Table,
    TableRow,
    Text,
    Thumbnail,
    Thumbnails,
    Tile,
    Tiles,
)

SPECIAL = re.compile(r"([\\|`*_\[\]])")
BACKTICKS = re.compile(r"`+")
LEAST_FENCE = 3
FOLDER = "figures"
PLAIN_INTERVAL = re.compile(r"\\\[(-?[\d.,]+, -?[\d.,]+)\\\]")


def markdown_page(document: Document) -> str:
    """Render a report as Markdown (GitHub's dialect) with links to the PNG figures."""
    lines = [
        f"# {markdown_text(document.headline)}",
        markdown_text(document.title),
        f"**{markdown_text(document.verdict)}**",
        _block(document.tiles),
        markdown_text(document.note),
        markdown_text(document.subtitle),
    ]
    for section in document.sections:
        lines.append(f"## {markdown_text(section.title)}")
        lines += [_block(block) for block in section.blocks]
    return "\n\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """Escape what Markdown or HTML would take for more than text; intervals stay readable."""
    escaped = SPECIAL.sub(r"\\\1", " ".join(text.split()))
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return PLAIN_INTERVAL.sub(r"[\1]", escaped)


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return markdown_text(text)
        case Table():
            return _table(block)
        case Figure(name, caption, alternative):
            image = f"![{markdown_text(alternative)}]({FOLDER}/{name}.png)"
            return f"{image}\n\n{markdown_text(caption)}"
        case Thumbnails(title, pictures):
            lines = [f"{markdown_text(title)}:", "", *map(_thumbnail, pictures)]
            return "\n".join(lines)
        case Tiles(tiles):
            return "\n".join(_tile(tile) for tile in tiles)
        case Facts(pairs):
            return _list(pairs)
        case Commands(pairs):
            return "\n\n".join(_command(term, command) for term, command in pairs)
        case Fold(title, blocks, _):
            return "\n\n".join([f"### {markdown_text(title)}", *(_block(part) for part in blocks)])


def _thumbnail(picture: Thumbnail) -> str:
    said = (picture.name, picture.value, picture.detail)
    return f"- {', '.join(markdown_text(text) for text in said if text)}"


def _tile(tile: Tile) -> str:
    colon = "" if tile.term.endswith("?") else ":"
    detail = f" ({markdown_text(tile.detail)})" if tile.detail else ""
    return f"- {markdown_text(tile.term)}{colon} **{markdown_text(tile.value)}**{detail}"


def _list(pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {markdown_text(term)}: {markdown_text(text)}" for term, text in pairs)


def _command(term: str, command: str) -> str:
    """Fence a command, so that nothing in it is taken for Markdown."""
    ticks = max(map(len, BACKTICKS.findall(command)), default=0)
    fence = "`" * max(LEAST_FENCE, ticks + 1)
    return f"{markdown_text(term)}:\n\n{fence}sh\n{command}\n{fence}"


def _table(table: Table) -> str:
    rule = ["---" if i < table.labels else "---:" for i in range(len(table.header))]
    lines = [_line([markdown_text(name) for name in table.header]), _line(rule)]
    lines += [_line(_cells(row)) for row in table.rows]
    caption = f"{markdown_text(table.caption)}\n\n" if table.caption else ""
    return caption + "\n".join(lines)


def _cells(row: TableRow) -> list[str]:
    cells = [markdown_text(text) for text in row.cells]
    return [f"**{text}**" if text else "" for text in cells] if row.kind == "summary" else cells


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
