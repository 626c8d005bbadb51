"""advice.md and advice.json, and what is shown on the screen."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from etils import epath

from lqjax.advising.advice import Advice, Standing
from lqjax.advising.changing import probability
from lqjax.advising.needs import Needs
from lqjax.metrics.interval import Estimate
from lqjax.reporting.formatting import MISSING, percent, significant, with_interval
from lqjax.reporting.terminal import align
from lqjax.rows import replace_text

PAGE, RECORD = "advice.md", "advice.json"
FLOOR = "meets floor"
HEADER = ("network", "accuracy %", "best", FLOOR, "latency, ms", "memory, MiB")


def write(advice: Advice, needs: Needs, folder: epath.Path) -> Advice:
    """Write page and record into a folder; return the advice with the path of its page."""
    record = dataclasses.asdict(advice) | {"needs": dataclasses.asdict(needs)}
    del record["path"]
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False)
    replace_text(folder / RECORD, text + "\n")
    replace_text(folder / PAGE, page(advice, needs))
    return dataclasses.replace(advice, path=folder / PAGE)


def _plain(value: Any) -> Any:
    """Name the three numbers of every estimate, which JSON would write as a list."""
    if isinstance(value, Estimate):
        return value._asdict()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def on_screen(advice: Advice) -> str:
    """Write the answer, the table and what would change it as plain text."""
    parts = [advice.sentence[:1].upper() + advice.sentence[1:]]
    if advice.standings:
        parts.append(align(_table(advice, "-")))
    if advice.changes:
        parts.append("\n".join(["What would change it:", *(f"- {c}" for c in advice.changes)]))
    return "\n\n".join([*parts, *filter(None, [advice.varies])])


def page(advice: Advice, needs: Needs) -> str:
    """Write the answer as Markdown."""
    return "\n".join(_lines(advice, needs))


def _lines(advice: Advice, needs: Needs) -> Iterator[str]:
    yield from ("# Which network to take", "", f"> {_escaped(advice.sentence)}", "")
    yield from ("Asked for:", "", *(f"- {line}" for line in _asked(advice, needs)), "")
    if advice.standings:
        header, *lines = _table(advice, MISSING)
        yield f"| {' | '.join(header)} |"
        yield "| --- |" + " ---: |" * (len(header) - 1)
        for cells in lines:
            yield f"| {' | '.join(map(_escaped, cells))} |"
        yield ""
    if advice.changes:
        yield from ("What would change it:", "")
        yield from (f"- {_escaped(change)}" for change in advice.changes)
        yield ""
    if advice.varies:
        yield advice.varies
        yield ""


def _asked(advice: Advice, needs: Needs) -> Iterator[str]:
    if needs.floor_accuracy:
        yield f"accuracy of at least {percent(needs.floor_accuracy)} %"
    if needs.ceiling_latency_ms:
        yield f"latency of at most {significant(needs.ceiling_latency_ms)} ms"
    if needs.ceiling_memory_mib:
        yield f"memory of at most {significant(needs.ceiling_memory_mib)} MiB"
    shares = ", ".join(f"{percent(s)} % {_escaped(c)}" for c, s in advice.mixture.items())
    yield f"images in use: {shares}"
    yield f"a choice counts as decided from probability {probability(needs.certainty)} on"


def _table(advice: Advice, missing: str) -> list[tuple[str, ...]]:
    """Write the header and a line for each network; without a floor its column is left out."""
    table = [HEADER, *(_cells(standing, missing) for standing in advice.standings)]
    if any(standing.meets_floor is not None for standing in advice.standings):
        return table
    column = HEADER.index(FLOOR)
    return [(*cells[:column], *cells[column + 1 :]) for cells in table]


def _cells(standing: Standing, missing: str) -> tuple[str, ...]:
    costs = (standing.latency_ms, standing.memory_mib)
    return (
        standing.model,
        with_interval(standing.accuracy),
        probability(standing.best),
        missing if standing.meets_floor is None else probability(standing.meets_floor),
        *(missing if cost is None else significant(cost) for cost in costs),
    )


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "|*_<`" else c for c in text)
