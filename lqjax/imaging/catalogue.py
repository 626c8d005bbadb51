"""What can be done to an image: all operations, suites and published sets as a table."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lqjax.imaging.operations import OPERATIONS, Operation, Parameter
from lqjax.imaging.published import PUBLISHED
from lqjax.imaging.suites import SUITES

WIDTHS = (21, 43, 6, 24, 28)
"""Columns of the table on a terminal, in characters."""

WIDTH = sum(WIDTHS) + 2 * (len(WIDTHS) - 1)

HEADER = ("operation", "parameters", "random", "suites", "source")


@dataclass(frozen=True)
class Entry:
    """One operation as lists show it.

    Attributes:
      name: as users type it.
      kind: "degradation" or "restoration".
      parameters: one text each: name, unit, range, default, meaning.
      stochastic: whether it draws per example.
      suites: names under which suites have it ("imagenet_c/fog"); suites with the same name for it
        are joined.
      minimum_size: least side in px, 1 where any will do.
      source: definition.
    """

    name: str
    kind: str
    parameters: tuple[str, ...]
    stochastic: bool
    suites: tuple[str, ...]
    minimum_size: int
    source: str


def catalogue() -> tuple[Entry, ...]:
    """List all registered operations, degradations first, by name."""
    listed = [_entry(OPERATIONS[name]) for name in OPERATIONS]
    return tuple(sorted(listed, key=lambda entry: (entry.kind, entry.name)))


def as_text() -> str:
    """Write the catalogue for a terminal: operations, suites, published sets."""
    rows = [_row(entry) for entry in catalogue()]
    ruler = "  ".join("-" * width for width in WIDTHS)
    table = [_line(HEADER), ruler, *(_line(row) for row in rows)]
    suites = [_suite_text(name) for name in SUITES]
    text = ["\n".join(table), "Suites, each to be written SUITE/NAME@LEVEL:", *suites]
    text += ["Published sets, whose pictures are read, each to be written SET/NAME@LEVEL:"]
    text += [_published_text(name) for name in PUBLISHED]
    return "\n\n".join(text)


def as_page() -> str:
    """Write the catalogue as a Markdown page with three tables."""
    lines = [
        "# Operations and suites",
        "",
        "Made by `python launch.py --mode=list --output=docs/operations.md`; a test says when it is"
        " out of date.",
        "",
        f"| {' | '.join(HEADER)} |",
        "|" + "---|" * len(HEADER),
    ]
    for entry in catalogue():
        name = f"`{entry.name}`" + (" (restoration)" if entry.kind == "restoration" else "")
        cells = (
            name,
            "<br>".join(entry.parameters) or "none",
            "yes" if entry.stochastic else "no",
            "<br>".join(entry.suites),
            entry.source + (f"; from {entry.minimum_size} px" if entry.minimum_size > 1 else ""),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "A star marks degradations that take severities between the levels (`@2.5`).", ""]
    lines += ["| suite | levels | degradations | source |", "|---|---|---|---|"]
    for name in SUITES:
        suite = SUITES[name]
        names = ", ".join(
            f"`{entry.name}`" + ("*" if entry.path else "") for entry in suite.entries
        )
        lines.append(f"| `{name}` | {', '.join(suite.levels)} | {names} | {suite.source} |")
    lines += ["", "Published sets, whose pictures are read and not made ([how](published.md)).", ""]
    lines += ["| set | levels | corruptions | source |", "|---|---|---|---|"]
    for name, found in PUBLISHED.items():
        names = ", ".join(f"`{corruption}`" for corruption in found.corruptions)
        levels = ", ".join(found.levels) or "none"
        lines.append(f"| `{name}` | {levels} | {names} | {found.source} |")
    return "\n".join(lines) + "\n"


def _entry(operation: Operation) -> Entry:
    found: dict[str, list[str]] = {}
    for suite_name in SUITES:
        for entry in SUITES[suite_name].entries:
            if entry.operation == operation.name and not entry.then:
                found.setdefault(entry.name, []).append(suite_name)
    return Entry(
        name=operation.name,
        kind=operation.kind,
        parameters=tuple(_parameter(parameter) for parameter in operation.parameters),
        stochastic=operation.draw is not None,
        suites=tuple(f"{', '.join(_shortened(suites))}: {name}" for name, suites in found.items()),
        minimum_size=operation.minimum_size,
        source=operation.source,
    )


def _shortened(suites: Sequence[str]) -> list[str]:
    """Count the suites of one collection instead of naming them: "medmnist_c (10)"."""
    heads = Counter(suite.partition("/")[0] for suite in suites)
    return [head if head in suites else f"{head} ({count})" for head, count in heads.items()]


def _parameter(parameter: Parameter) -> str:
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    if parameter.choices:
        allowed = ", ".join(parameter.choices)
    else:
        allowed = f"{parameter.low:g} to {parameter.high:g}{unit}"
    if parameter.odd:
        allowed += ", odd"
    elif parameter.integer:
        allowed += ", whole"
    if parameter.default is not None:
        drawn = math.isnan(parameter.default)
        allowed += ", drawn unless given" if drawn else f", default {_default(parameter)}"
    return f"{parameter.name} ({allowed}): {parameter.meaning}"


def _default(parameter: Parameter) -> str:
    return "" if parameter.default is None else parameter.text(parameter.default)


def _row(entry: Entry) -> tuple[str, ...]:
    marks = "".join(
        (
            " (restoration)" if entry.kind == "restoration" else "",
            f" (from {entry.minimum_size} px)" if entry.minimum_size > 1 else "",
        )
    )
    return (
        entry.name + marks,
        "\n".join(entry.parameters) or "none",
        "yes" if entry.stochastic else "no",
        "\n".join(entry.suites),
        entry.source,
    )


def _line(cells: Sequence[str]) -> str:
    """Set cells beside each other, wrapped to their columns."""
    wrapped = [
        [part for text in cell.split("\n") for part in textwrap.wrap(text, width) or [""]]
        for cell, width in zip(cells, WIDTHS, strict=True)
    ]
    lines = itertools.zip_longest(*wrapped, fillvalue="")
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(line, WIDTHS, strict=True)).rstrip()
        for line in lines
    )


def _suite_text(name: str) -> str:
    suite = SUITES[name]
    return _set_text(name, "degradations", suite.names(), suite.levels, suite.source)


def _published_text(name: str) -> str:
    found = PUBLISHED[name]
    return _set_text(name, "corruptions", found.corruptions, found.levels, found.source)


def _set_text(
    name: str, what: str, names: Sequence[str], levels: Sequence[str], source: str
) -> str:
    wrap = textwrap.TextWrapper(WIDTH, initial_indent="    ", subsequent_indent="      ")
    lines = (
        f"{what}: {', '.join(names)}",
        f"levels: {', '.join(levels) or 'none'}",
        f"source: {source}",
    )
    return "\n".join([name, *(wrap.fill(line) for line in lines)])
