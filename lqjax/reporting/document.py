"""The parts of a report, before they become HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class TableRow:
    """A row: its header cell, then the others; `kind` is "", "summary" or "start" of a group."""

    cells: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first `labels` columns are text, the rest numbers.

    Attributes:
      sortable: readers may sort it; false where rows are different things, such as kinds of cost.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    labels: int = 1
    sortable: bool = True


@dataclass(frozen=True)
class Figure:
    """A figure that was saved under a name, with what it shows for those who cannot see it."""

    name: str
    caption: str
    alternative: str


@dataclass(frozen=True)
class Tile:
    """A number that is read at a glance."""

    term: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Tiles:
    """A row of tiles."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Facts:
    """Terms and what they are."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Commands:
    """What can be done, and the command for a shell that does it, letter by letter."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fold:
    """What is closed until asked for."""

    title: str
    blocks: tuple[Block, ...]


Block = Text | Table | Figure | Tiles | Facts | Commands | Fold


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A whole report; the verdict stands above all sections."""

    title: str
    subtitle: str
    headline: str
    verdict: str
    note: str
    tiles: Tiles
    sections: Sequence[Section]
