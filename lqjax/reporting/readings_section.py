"""The section on readings: what the same weights answer when they are read otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from lqjax.reporting.document import Block, Facts, Fold, Text
from lqjax.reporting.formatting import as_sentence
from lqjax.reporting.readings import Readings
from lqjax.reporting.readings_tables import READINGS_FILE, condition_tables, summary_table
from lqjax.reporting.readings_words import about_intervals, lead, left_open, network_title
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

READINGS_SECTION = "The same weights, read otherwise"
INTRODUCTION = (
    "Nothing was trained again here: the same weights answered the same images in other ways,"
    " called readings. They enter no mean, no test and no verdict of the rest of this report."
    " What each needs to be of use stands below."
)


def readings_section(study: Study, readings: Readings | None) -> Iterator[Block]:
    """Say what each reading changes, network by network; nothing without readings."""
    if readings is None:
        return
    yield Text(INTRODUCTION)
    for model in study.models:
        found, said = readings.of(model), lead(readings, model, study.commonest_share)
        if said:
            yield Facts(((network_title(study, found, model), said),))
        if found:
            yield summary_table(study, readings, model)
        for sentence in left_open(readings, model):
            yield Text(sentence)
    if readings.models:
        yield Text(about_intervals(study, readings))
        read = dict.fromkeys(found.model for found in readings.models)
        tables = [table for model in read for table in condition_tables(readings, model)]
        yield Fold("By condition", tuple(tables), READINGS_FILE)
    yield Fold(
        "What each reading is, what it needs to be of use, and its source",
        (Facts(tuple(_kinds(readings))),),
    )


def _kinds(readings: Readings) -> Iterator[tuple[str, str]]:
    """Say what each kind of reading is, once for all its parameters."""
    by_text: dict[tuple[str, str, str], list[str]] = {}
    for name, kind in readings.kinds.items():
        settled = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in kind.settled.items())
        by_text.setdefault((kind.about, settled, kind.source), []).append(name)
    for (about, settled, source), names in by_text.items():
        parts = [about, as_sentence(f"here: {settled}") if settled else "", f"Source: {source}."]
        yield enumeration(names), " ".join(filter(None, parts))
