"""What can be done to an image: all operations and suites as a table."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

from lqjax.imaging.operations import OPERATIONS, Operation, Parameter
from lqjax.imaging.suites import SUITES

WIDTH = 100
"""Columns of a terminal."""

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
    """Write the catalogue for a terminal: one block for each operation, then the suites."""
    blocks = [_block(entry) for entry in catalogue()]
    suites = [_suite_text(name) for name in SUITES]
    return "\n\n".join([*blocks, "Suites, each to be written SUITE/NAME@LEVEL:", *suites])


def as_page() -> str:
    """Write the catalogue as a Markdown page with two tables."""
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
        suites=tuple(f"{', '.join(suites)}: {name}" for name, suites in found.items()),
        minimum_size=operation.minimum_size,
        source=operation.source,
    )


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


def _block(entry: Entry) -> str:
    facts = ["random per example" if entry.stochastic else "deterministic"]
    if entry.kind == "restoration":
        facts.insert(0, "restoration")
    if entry.minimum_size > 1:
        facts.append(f"from {entry.minimum_size} px")
    lines = [f"{entry.name}  ({', '.join(facts)})", *entry.parameters]
    lines += [f"in {suites}" for suites in entry.suites]
    lines.append(f"source: {entry.source}")
    head, *rest = lines
    wrap = textwrap.TextWrapper(WIDTH, initial_indent="    ", subsequent_indent="      ")
    return "\n".join([head, *(wrap.fill(line) for line in rest)])


def _suite_text(name: str) -> str:
    suite = SUITES[name]
    wrap = textwrap.TextWrapper(WIDTH, initial_indent="    ", subsequent_indent="      ")
    lines = (
        f"degradations: {', '.join(suite.names())}",
        f"levels: {', '.join(suite.levels)}",
        f"source: {suite.source}",
    )
    return "\n".join([name, *(wrap.fill(line) for line in lines)])
