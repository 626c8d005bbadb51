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
class Thumbnail:
    """A small picture.

    Attributes:
      source: the picture as a `data:` address.
      value: what it is shown for, such as "2.1 bit".
      name: what people call it.
      detail: class, split and the like.
    """

    source: str
    value: str
    name: str
    detail: str


@dataclass(frozen=True)
class Thumbnails:
    """Small pictures side by side; `title` says of them all what they are."""

    title: str
    pictures: tuple[Thumbnail, ...]


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
    """What is closed until asked for.

    Attributes:
      file: has the same; named in print, where a fold that nobody opened stays closed.
    """

    title: str
    blocks: tuple[Block, ...]
    file: str = "report.md"


Block = Text | Table | Figure | Thumbnails | Tiles | Facts | Commands | Fold


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
