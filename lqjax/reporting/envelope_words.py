"""Operating envelopes in words: "resnet50 holds 90 % down to quality 23 [19, 27] (27.1 dB)"."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lqjax.metrics.coordinate import LOG
from lqjax.metrics.envelope import MILDER, STRONGER, Envelope, EnvelopeEnd
from lqjax.metrics.envelope_gap import EnvelopeGap
from lqjax.metrics.ladder import Ladder, number_text
from lqjax.reporting.envelopes import Envelopes, LadderEnvelopes, ModelEnvelope
from lqjax.reporting.formatting import MISSING, SIGNIFICANT, optional, percent
from lqjax.textlists import enumeration

PART_OF_A_STEP = 0.1
"""Levels between two rungs are written to about this part of their distance."""

PSNR_DECIMALS = 1

OFF = "off the ladder"
"""End of an interval whose resamples have one of two models leave the ladder."""


def ladder_sentences(envelopes: Envelopes, found: LadderEnvelopes) -> str:
    """Say of all models where they end on one ladder, and whose envelope is wider."""
    sentences, gaps = [], []
    if envelopes.floor:
        sentences.append(_floor_sentence(found.models, envelopes.floor))
        gaps.append(gap_sentence(envelopes, found.floor_gap))
    if found.models:
        sentences.append(_drop_sentence(found.models, envelopes.drop))
        gaps.append(gap_sentence(envelopes, found.drop_gap))
    if len(set(gaps)) == len(gaps):
        sentences = [text for both in zip(sentences, gaps, strict=True) for text in both]
    else:  # what holds at both limits is said once
        sentences += gaps[:1]
    needed = len(found.ladder.levels) + 1
    sentences += [
        f"{model} was tested under {count} of the {needed} conditions that this takes, clean images"
        " included; --mode=evaluate goes on"
        if count
        else f"{model} was not tested on this ladder"
        for model, count in found.unfinished.items()
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _floor_sentence(models: Sequence[ModelEnvelope], floor: float) -> str:
    limits = [model.floor for model in models if model.clean >= floor]
    whole = _whole_of_all(limits) if len(limits) == len(models) else ""
    if not whole:
        return enumeration([floor_clause(model, floor) for model in models])
    all_of_them = "both" if len(models) == 2 else "all"
    names = enumeration([model.model for model in models])
    return f"{names} {all_of_them} hold {100 * floor:g} % on the whole ladder, {whole}"


def _drop_sentence(models: Sequence[ModelEnvelope], drop: float) -> str:
    whole = _whole_of_all([model.drop for model in models])
    if not whole:
        return enumeration([drop_clause(model, drop) for model in models])
    nobody = "Neither" if len(models) == 2 else "None"
    return f"{nobody} loses {points_lost(drop)} anywhere on the ladder, {whole}"


def _whole_of_all(limits: Sequence[Envelope | None]) -> str:
    """Name the end of the ladder where several models reach it, all alike; else empty."""
    ends = {_whole(e) if e and _surely_whole(e) else "" for e in limits}
    return ends.pop() if len(limits) > 1 and len(ends) == 1 else ""


def _surely_whole(envelope: Envelope) -> bool:
    """Tell whether a limit lies beyond the ladder with all of its interval."""
    inside = envelope.mildest is not None and envelope.mildest.level is not None
    return envelope.found.where == STRONGER and not inside


def drop_clause(model: ModelEnvelope, drop: float) -> str:
    """Say where a model has lost so much of its clean accuracy."""
    lost, envelope = points_lost(drop), model.drop
    if envelope.found.where == STRONGER:
        return f"{model.model} does not lose {lost} anywhere on the ladder, {_whole(envelope)}"
    if envelope.found.where == MILDER:
        mildest = _named_rung(envelope.ladder, 0)
        return f"{model.model} has already lost {lost} at the mildest value tested, {mildest}"
    return f"{model.model} loses {lost} at {_place(envelope)}"


def points_lost(drop: float) -> str:
    """Write a drop of accuracy: "5 points", "1 point"."""
    number = f"{100 * drop:g}"
    return f"{number} point" if number == "1" else f"{number} points"


def floor_clause(model: ModelEnvelope, floor: float) -> str:
    """Say down to where a model holds an accuracy."""
    held, envelope = f"{100 * floor:g} %", model.floor
    if envelope is None:
        return ""
    if model.clean < floor:
        return f"{model.model} is already below {held} on clean images ({percent(model.clean)} %)"
    if envelope.found.where == STRONGER:
        return f"{model.model} holds {held} on the whole ladder, {_whole(envelope)}"
    if envelope.found.where == MILDER:
        mildest = _named_rung(envelope.ladder, 0)
        return f"{model.model} is already below {held} at the mildest value tested, {mildest}"
    return f"{model.model} holds {held} {_way(envelope.ladder)} to {_place(envelope)}"


def gap_sentence(envelopes: Envelopes, gap: EnvelopeGap | None) -> str:
    """Say whose envelope is wider, and whether the paired interval excludes that none is.

    The interval covers other test images, however often the models were trained.
    """
    if gap is None:
        return ""
    wider, narrower = envelopes.leader, envelopes.other
    turned = gap.reach.value < 0
    if turned:
        wider, narrower = narrower, wider
    size = gap_size(gap, turned)
    if gap.shown:
        by = f", by {size}" if size else ""
        return f"For these trained networks, {wider} withstands more than {narrower}{by}"
    text = f"No difference between {envelopes.leader} and {envelopes.other} is shown"
    if gap.reach.value == 0 or not size:
        return text
    return f"{text} ({wider} reaches further by {size})"


def gap_size(gap: EnvelopeGap, turned: bool) -> str:
    """Write how much further the wider one reaches; empty where one of both leaves the ladder."""
    value, low, high = gap.in_unit(turned)
    if not _on_ladder(gap, value):
        return ""
    unit = "" if gap.is_factor else _unit(gap.ladder)
    text = f"{'a factor of ' if gap.is_factor else ''}{level_text(gap.ladder, value)}{unit}"
    if not (_on_ladder(gap, low) or _on_ladder(gap, high)):
        return text
    ends = [level_text(gap.ladder, e) if _on_ladder(gap, e) else OFF for e in (low, high)]
    return f"{text} [{', '.join(ends)}]"


def _on_ladder(gap: EnvelopeGap, size: float) -> bool:
    return math.isfinite(size) and not (gap.is_factor and size == 0)


def limit_cell(envelope: Envelope | None) -> str:
    """Write a crossing for a table whose row names the parameter: "23 [19, 27]"."""
    if envelope is None:
        return MISSING
    return _with_ends(envelope, _end(envelope.ladder, envelope.found))


def psnr_cell(envelope: Envelope | None) -> str:
    """Write the PSNR of a crossing with that of its ends: "27.1 [26.0, 28.4]"."""
    if envelope is None or envelope.found.psnr is None:
        return MISSING
    text = optional(envelope.found.psnr, PSNR_DECIMALS)
    ends = [end.psnr for end in (envelope.strongest, envelope.mildest) if end is not None]
    if len(ends) < 2 or None in ends:
        return text
    return f"{text} [{', '.join(optional(end, PSNR_DECIMALS) for end in ends)}]"


def level_text(ladder: Ladder, level: float) -> str:
    """Write a level with as many digits as the distance of the rungs gives a meaning to."""
    if ladder.axis == LOG:
        digits = SIGNIFICANT - 1 - math.floor(math.log10(level))
        return f"{round(level, digits):.{max(0, digits)}f}"
    ends = ladder.levels[0], ladder.levels[-1]
    step = abs(ends[1] - ends[0]) / (len(ladder.levels) - 1)
    decimals = max(0, math.ceil(-math.log10(step * PART_OF_A_STEP)))
    text = f"{level:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _place(envelope: Envelope) -> str:
    ladder, psnr = envelope.ladder, envelope.found.psnr
    level = envelope.found.level
    if level is None:
        return ""
    text = f"{ladder.parameter} {level_text(ladder, level)}{_unit(ladder)}"
    text = _with_ends(envelope, text)
    return text if psnr is None else f"{text} (PSNR {optional(psnr, PSNR_DECIMALS)} dB)"


def _whole(envelope: Envelope) -> str:
    """Name the strongest level; say where the interval begins if it reaches into the ladder."""
    ladder = envelope.ladder
    text = f"{_way(ladder)} to {_named_rung(ladder, -1)}"
    mildest = envelope.mildest
    if mildest is None or mildest.level is None:
        return text
    return f"{text} (its interval begins at {level_text(ladder, mildest.level)})"


def _with_ends(envelope: Envelope, text: str) -> str:
    if envelope.mildest is None or envelope.strongest is None:
        return text
    ladder = envelope.ladder
    ends = [_end(ladder, end) for end in (envelope.mildest, envelope.strongest)]
    if ends[0] == ends[1] and envelope.found.level is None:
        return text
    return f"{text} [{', '.join(ends if _rises(ladder) else reversed(ends))}]"


def _end(ladder: Ladder, end: EnvelopeEnd) -> str:
    if end.level is not None:
        return level_text(ladder, end.level)
    if end.where == MILDER:
        return f"milder than {number_text(ladder.levels[0])}"
    return f"beyond {number_text(ladder.levels[-1])}"


def _named_rung(ladder: Ladder, rung: int) -> str:
    return f"{ladder.parameter} {number_text(ladder.levels[rung])}{_unit(ladder)}"


def _way(ladder: Ladder) -> str:
    return "up" if _rises(ladder) else "down"


def _rises(ladder: Ladder) -> bool:
    return ladder.levels[-1] > ladder.levels[0]


def _unit(ladder: Ladder) -> str:
    return f" {ladder.unit}" if ladder.unit else ""
