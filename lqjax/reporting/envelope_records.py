"""Operating envelopes as CSV: a row for each ladder, model and limit."""

from __future__ import annotations

from dataclasses import dataclass

from lqjax.metrics.envelope import Envelope, EnvelopeEnd
from lqjax.reporting.envelopes import Envelopes, LadderEnvelopes, ModelEnvelope


@dataclass(frozen=True)
class EnvelopeRecord:
    """Where one model's accuracy meets one limit on one ladder.

    Attributes:
      ladder: canonical text, as evaluation.envelopes takes it.
      kind: "drop" or "floor".
      limit: the accuracy in question, in [0, 1]; `clean` is that of clean images.
      where: "within" the ladder, "milder" than its first level or "stronger" than its last.
      severity, severity_mild, severity_strong: with the ends of the 95 % interval, in `unit`;
        `None` outside the ladder, and without an interval.
      psnr, psnr_mild, psnr_strong: the same in dB.
      mildest, strongest, levels: what was tested.
    """

    model: str
    ladder: str
    title: str
    parameter: str
    unit: str
    kind: str
    limit: float
    clean: float
    where: str
    severity: float | None
    severity_mild: float | None
    severity_strong: float | None
    psnr: float | None
    psnr_mild: float | None
    psnr_strong: float | None
    mildest: float
    strongest: float
    levels: int


def envelope_records(envelopes: Envelopes | None) -> list[EnvelopeRecord]:
    """List all crossings; empty without ladders."""
    return [
        _record(found, model, kind, limit)
        for found in (envelopes.ladders if envelopes else ())
        for model in found.models
        for kind, limit in (("drop", model.drop), ("floor", model.floor))
        if limit is not None
    ]


@dataclass(frozen=True)
class LevelRecord:
    """The accuracy of one model at one severity of a ladder; see `EnvelopeRecord`.

    Attributes:
      accuracy, accuracy_low, accuracy_high: share in [0, 1] with its 95 % interval.
      psnr: in dB; `None` where no image is changed, or where it is not known.
    """

    model: str
    ladder: str
    parameter: str
    unit: str
    severity: float
    condition: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    psnr: float | None


def level_records(envelopes: Envelopes | None) -> list[LevelRecord]:
    """List the accuracies that the envelopes were read from; empty without ladders."""
    return [
        LevelRecord(
            model.model,
            found.ladder.name,
            found.ladder.parameter,
            found.ladder.unit,
            severity,
            condition,
            *accuracy,
            psnr,
        )
        for found in (envelopes.ladders if envelopes else ())
        for model in found.models
        for severity, condition, accuracy, psnr in zip(
            found.ladder.levels, found.ladder.conditions, model.accuracy, found.psnr, strict=True
        )
    ]


def _record(
    found: LadderEnvelopes, model: ModelEnvelope, kind: str, envelope: Envelope
) -> EnvelopeRecord:
    ladder, outside = found.ladder, EnvelopeEnd("", None, None)
    mild, strong = envelope.mildest or outside, envelope.strongest or outside
    return EnvelopeRecord(
        model=model.model,
        ladder=ladder.name,
        title=ladder.title,
        parameter=ladder.parameter,
        unit=ladder.unit,
        kind=kind,
        limit=envelope.limit,
        clean=model.clean,
        where=envelope.found.where,
        severity=envelope.found.level,
        severity_mild=mild.level,
        severity_strong=strong.level,
        psnr=envelope.found.psnr,
        psnr_mild=mild.psnr,
        psnr_strong=strong.psnr,
        mildest=ladder.levels[0],
        strongest=ladder.levels[-1],
        levels=len(ladder.levels),
    )
