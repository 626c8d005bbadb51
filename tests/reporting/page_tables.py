"""The tables of one section of a report, read back from the page and from the Markdown."""

import html.parser
import re
from dataclasses import dataclass, field

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
SORTING = "↕"


@dataclass
class Read:
    """A table as a reader has it: what stands above it, its head, its rows by their first cell."""

    caption: str
    header: list[str]
    rows: dict[str, list[str]] = field(default_factory=dict)

    def cell(self, row, column):
        return self.rows[row][self.header.index(column)]

    def numbers(self, row, column):
        """Value and both ends of a cell such as +1.2 [0.1, 2.3], as shares."""
        return [float(n.replace(",", "")) / 100 for n in NUMBER.findall(self.cell(row, column))]


def tables_of_page(page, section):
    return _Sections(page).tables[section]


def tables_of_markdown(text, section):
    body = re.split(r"^## ", text, flags=re.M)
    (found,) = [part for part in body if part.startswith(f"{section}\n")]
    tables, above = [], ""
    for block in found.split("\n\n"):
        if not block.startswith("| "):
            above = _plain(block)
            continue
        head, _, *rows = [
            [_plain(cell.strip().strip("*")) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.strip().splitlines()
        ]
        tables.append(Read(above, head, {row[0]: row for row in rows}))
    return tables


def _plain(text):
    return re.sub(r"\\(.)", r"\1", text)


class _Sections(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tables, self.title, self.caption = {}, "", ""
        self.collecting, self.row, self.head = None, None, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "h2" or (tag == "p" and ("class", "caption") in attrs):
            self.collecting = []
        elif tag == "table":
            self.tables.setdefault(self.title, []).append(Read(self.caption, []))
            self.caption = ""
        elif tag == "tr":
            self.row = []
        elif tag in ("th", "td"):
            self.collecting = []
        elif tag == "thead":
            self.head = True

    def handle_endtag(self, tag):
        if tag == "h2":
            self.title = self._taken()
        elif tag == "p" and self.collecting is not None and self.row is None:
            self.caption = self._taken()
        elif tag in ("th", "td"):
            self.row.append(self._taken())
        elif tag == "tr":
            table = self.tables[self.title][-1]
            if self.head:
                table.header = self.row
            else:
                table.rows[self.row[0]] = self.row
            self.row = None
        elif tag == "thead":
            self.head = False

    def handle_data(self, data):
        if self.collecting is not None:
            self.collecting.append(data)

    def _taken(self):
        text, self.collecting = "".join(self.collecting), None
        return text.replace("−", "-").replace("\N{NO-BREAK SPACE}", " ").strip()
