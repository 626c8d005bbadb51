"""The section on operating envelopes: how much of each degradation the models stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.metrics.resamples import RESAMPLES
from lqjax.reporting.document import Block, Facts, Figure, Table, TableRow, Text
from lqjax.reporting.envelope_figure import ENVELOPE
from lqjax.reporting.envelope_words import ladder_sentences, limit_cell, points_lost, psnr_cell
from lqjax.reporting.envelopes import Envelopes, LadderEnvelopes
from lqjax.reporting.figures import Drawn
from lqjax.reporting.formatting import percent
from lqjax.reporting.study import Study


def envelope_section(
    study: Study, envelopes: Envelopes | None, drawn: Mapping[str, Drawn]
) -> Iterator[Block]:
    """Say where accuracy ends, ladder by ladder; nothing without ladders."""
    if envelopes is None:
        return
    yield Facts(
        tuple(
            (found.ladder.title, text)
            for found in envelopes.ladders
            if (text := ladder_sentences(envelopes, found))
        )
    )
    if not any(found.models for found in envelopes.ladders):
        return
    if ENVELOPE in drawn:
        yield Figure(ENVELOPE, drawn[ENVELOPE].caption, drawn[ENVELOPE].alternative)
    yield envelope_table(envelopes)
    yield Text(_method(study, envelopes))


def envelope_table(envelopes: Envelopes) -> Table:
    """Tabulate ladder x model: the severity at each limit, and its PSNR."""
    floor = f"{100 * envelopes.floor:g} %"
    header = ["degradation, severity", "model", "clean %"]
    header += [f"holds {floor} to", "PSNR there, dB"] if envelopes.floor else []
    header += [f"loses {points_lost(envelopes.drop)} at", "PSNR there, dB"]
    rows = []
    for found in envelopes.ladders:
        for number, model in enumerate(found.models):
            cells = [severity_title(found), model.model, percent(model.clean)]
            limits = [model.floor, model.drop] if envelopes.floor else [model.drop]
            cells += [cell for limit in limits for cell in (limit_cell(limit), psnr_cell(limit))]
            rows.append(TableRow(tuple(cells), "" if number else "start"))
    caption = (
        "Severity at which accuracy meets each limit, with 95 % intervals over test images, not"
        " over training again. Beyond and milder: outside the severities that were tested."
    )
    return Table(caption, tuple(header), tuple(rows), labels=2)


def severity_title(found: LadderEnvelopes) -> str:
    """Name a ladder with what moves on it: "Motion blur, length in px"."""
    ladder = found.ladder
    unit = f" in {ladder.unit}" if ladder.unit else ""
    return f"{ladder.title}, {ladder.parameter.replace('_', ' ')}{unit}"


def _method(study: Study, envelopes: Envelopes) -> str:
    drawn = "whole groups of images" if study.groups is not None else "the test images"
    several = any(len(runs) > 1 for runs in study.networks.values())
    parts = [
        "Each degradation was tested at the severities that the figure marks; these conditions"
        " enter no mean, no test and no verdict of this report. Accuracies are brought into the"
        " nearest curve that never rises with the damage, and severities between two levels, and"
        " their PSNR, are read from straight lines.",
        f"Intervals come from drawing {drawn} again {RESAMPLES:,} times, each with its answers at"
        " all severities; they cover the choice of test images only.",
    ]
    if several:
        parts.append("Answers of several runs of a model are pooled.")
    if envelopes.other:
        parts.append(
            f"{envelopes.leader} and {envelopes.other} are compared on the same draws, each"
            " degradation by itself, without correction for their number."
        )
    return " ".join(parts)
