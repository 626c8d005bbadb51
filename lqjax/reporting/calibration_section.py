"""The calibration section: tables, the diagram, and what a temperature means in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.metrics.binning import BINS
from lqjax.metrics.calibration_summary import CalibrationSummary
from lqjax.reporting.calibration import Calibration
from lqjax.reporting.document import Block, Figure, Fold, Table, TableRow, Text
from lqjax.reporting.figures import Drawn
from lqjax.reporting.formatting import percent, plural
from lqjax.reporting.reliability_figure import RELIABILITY
from lqjax.reporting.severity_levels import by_level
from lqjax.reporting.temperature_words import (
    temperature_sentence,
    temperature_text,
    unscaled_sentences,
)
from lqjax.textlists import enumeration

LOSS_DECIMALS = 3
BRIER_DECIMALS = 4
CLEAN_IMAGES = "clean images"
DEGRADED_IMAGES = "degraded images"
SEVERITY = "severity"
TITLES = {"clean": CLEAN_IMAGES, "degraded": DEGRADED_IMAGES}


def calibration_section(
    calibration: Calibration | None, drawn: Mapping[str, Drawn]
) -> Iterator[Block]:
    """Say how far confidences can be believed; nothing where no model keeps its scores."""
    if calibration is None:
        return
    yield Text(
        "A network is calibrated if eight in ten of the answers that it gives with 80 % confidence"
        " are right, and so on for every confidence. Confidence is the softmax probability of the"
        " predicted class. Where it lies above the accuracy, the network is surer than it should"
        " be."
    )
    yield confidence_table(calibration)
    if RELIABILITY in drawn:
        yield Figure(RELIABILITY, drawn[RELIABILITY].caption, drawn[RELIABILITY].alternative)
    scaled = scaling_table(calibration)
    if scaled is not None:
        yield scaled
    said = [temperature_sentence(m, calibration) for m in calibration.models if not m.without]
    yield Text(" ".join([*said, *unscaled_sentences(calibration.models)]))
    yield Fold("Brier score, decomposed", (brier_table(calibration),), "calibration.csv")
    if calibration.unscored:
        yield Text(
            f"Of {enumeration(calibration.unscored)} only the predicted classes are known, which"
            " say nothing about confidence."
        )


def confidence_table(calibration: Calibration) -> Table:
    """Tabulate confidence, calibration errors and losses by images and model."""
    rows = []
    for title, conditions in _all_scopes(calibration).items():
        for model in calibration.models:
            start = "start" if model is calibration.models[0] else ""
            numbers = _numbers(model.mean(conditions))
            rows.append(TableRow((title, model.model, *numbers), start))
    header = (
        "images",
        "model",
        "accuracy %",
        "confidence %",
        "ECE %",
        "adaptive ECE %",
        "NLL, nats",
        "Brier",
    )
    return Table(_about_numbers(calibration), header, tuple(rows), labels=2)


def scaling_table(calibration: Calibration) -> Table | None:
    """Tabulate calibration before and after temperature scaling; `None` where none was done."""
    models = [model for model in calibration.models if model.scaled]
    rows = []
    for scope, conditions in calibration.scopes().items():
        for model in models:
            before, after = model.mean(conditions), model.mean(conditions, scaled=True)
            cells = (TITLES[scope], model.model, temperature_text(model), *_change(before, after))
            rows.append(TableRow(cells, "start" if model is models[0] else ""))
    if not rows:
        return None
    header = ("images", "model", "T", "ECE %", "ECE % scaled", "NLL, nats", "NLL scaled, nats")
    caption = (
        "Temperature scaling: all scores are divided by one number T, fitted on the clean"
        " validation images. Answers and accuracy stay as they are; confidences change. Test images"
        " had no part in the fit."
    )
    return Table(caption, header, tuple(rows), labels=2)


def brier_table(calibration: Calibration) -> Table:
    """Tabulate the parts of the Brier score, which add up to it."""
    rows = []
    for title, conditions in _all_scopes(calibration).items():
        for model in calibration.models:
            found = model.mean(conditions)
            parts = found.parts
            within = parts.variance_within - parts.covariance_within
            values = (found.brier, parts.reliability, parts.resolution, parts.uncertainty, within)
            numbers = (f"{value:.{BRIER_DECIMALS}f}" for value in values)
            start = "start" if model is calibration.models[0] else ""
            rows.append(TableRow((title, model.model, *numbers), start))
    header = ("images", "model", "Brier", "reliability", "resolution", "uncertainty", "within bins")
    caption = (
        "Brier score = reliability − resolution + uncertainty + within bins, each class against the"
        f" rest over {BINS} bins of equal width. Reliability is 0 where confidences are right on"
        " average, resolution larger where they tell images apart, uncertainty that of the classes"
        " themselves."
    )
    return Table(caption, header, tuple(rows), labels=2)


def _all_scopes(calibration: Calibration) -> dict[str, tuple]:
    """Return clean images, the mean of the degraded, and each severity level, under their names."""
    scopes = {TITLES[scope]: found for scope, found in calibration.scopes().items()}
    levels = by_level(calibration.shared)
    if len(levels) > 1:
        scopes |= {f"{SEVERITY}: {level}": tuple(found) for level, found in levels.items()}
    return scopes


def _about_numbers(calibration: Calibration) -> str:
    text = (
        f"ECE: answers are sorted by confidence into {BINS} bins of equal width, and"
        " |accuracy − confidence| is averaged over the bins, each weighted by its share of the"
        " answers; adaptive ECE: the same with equally many answers in every bin. Both are above 0"
        " even for a calibrated network, the more so the fewer images there are. NLL and Brier (0"
        " to 2) judge confidence and answer together; lower is better."
    )
    if calibration.shared:
        text += f" Degraded images: {_what_is_averaged(calibration)}."
    return text


def _what_is_averaged(calibration: Calibration) -> str:
    if len(calibration.shared) == 1:
        return "one condition"
    text = f"means over {plural(len(calibration.shared), 'condition')}"
    if len(by_level(calibration.shared)) > 1:
        text += "; by severity, over the conditions of that severity"
    return text


def _numbers(found: CalibrationSummary) -> tuple[str, ...]:
    shares = (found.accuracy, found.confidence, found.ece, found.adaptive_ece)
    return (
        *(percent(share) for share in shares),
        f"{found.loss:.{LOSS_DECIMALS}f}",
        f"{found.brier:.{LOSS_DECIMALS}f}",
    )


def _change(before: CalibrationSummary, after: CalibrationSummary) -> tuple[str, ...]:
    """Return ECE and NLL before and after, side by side."""
    errors = (percent(found.ece) for found in (before, after))
    losses = (f"{found.loss:.{LOSS_DECIMALS}f}" for found in (before, after))
    return (*errors, *losses)
