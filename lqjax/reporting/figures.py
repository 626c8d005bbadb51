"""Draw and save all figures of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etils import epath
from matplotlib.figure import Figure

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import by_family
from lqjax.reporting.confusion_figure import confusion_figure, hardest_and_clean
from lqjax.reporting.confusion_gap_figure import (
    confusion_gap_figure,
    confusion_gaps_in_words,
    reading_help,
)
from lqjax.reporting.cost_figure import cost_figure, robust_accuracy, what_is_shown
from lqjax.reporting.cost_summary import measured_costs
from lqjax.reporting.envelope_figure import CAPTION as ENVELOPE_CAPTION
from lqjax.reporting.envelope_figure import ENVELOPE, envelope_figure, envelopes_in_words
from lqjax.reporting.figure_files import SavedFigure, save_figure
from lqjax.reporting.findings import Findings
from lqjax.reporting.formatting import enumeration, percent, si, significant
from lqjax.reporting.gallery_figure import gallery_figure
from lqjax.reporting.heat_map import HEAT_MAP, heat_map, heat_map_figure
from lqjax.reporting.learning_figure import learning_figure
from lqjax.reporting.mistakes_figure import mistakes_figure, mistakes_in_words
from lqjax.reporting.reliability_figure import (
    CAPTION,
    RELIABILITY,
    diagrams_in_words,
    reliability_figure,
)
from lqjax.reporting.severity_figure import severity_figure
from lqjax.reporting.study import Study
from lqjax.reporting.style import figure_style

SEEN_NUMBERS = " Below each: PSNR and SSIM against the clean image."


@dataclass(frozen=True)
class Drawn:
    """A saved figure with its caption and what it shows in words."""

    saved: SavedFigure
    caption: str
    alternative: str


def draw_figures(
    study: Study, comparison: Comparison, findings: Findings, folder: epath.Path
) -> dict[str, Drawn]:
    """Save every figure for which there is data as PNG and SVG; return them by name."""
    drawn = {}
    with figure_style():
        for name, figure, caption, alternative in _figures(study, comparison, findings):
            if figure is not None:
                saved = save_figure(figure, folder, name)
                drawn[name] = Drawn(saved, caption, alternative)
    return drawn


def _figures(
    study: Study, comparison: Comparison, findings: Findings
) -> Iterator[tuple[str, Figure | None, str, str]]:
    models = enumeration(study.models)
    yield (
        "accuracy",
        severity_figure(study, comparison),
        "Accuracy against severity. Bars are 95 % intervals; the dotted line is the accuracy of"
        " always answering the commonest class.",
        _severity_in_words(study, comparison),
    )
    cells = heat_map(study, comparison)
    if cells is not None:
        yield HEAT_MAP, heat_map_figure(cells), cells.caption(), cells.in_words()
    if findings.envelopes is not None:
        yield (
            ENVELOPE,
            envelope_figure(study, findings.envelopes),
            ENVELOPE_CAPTION,
            envelopes_in_words(study, findings.envelopes),
        )
    if findings.calibration is not None:
        yield (
            RELIABILITY,
            reliability_figure(study.models, findings.calibration),
            CAPTION,
            diagrams_in_words(findings.calibration),
        )
    if study.gallery is not None:
        yield (
            "gallery",
            gallery_figure(study.gallery),
            "Test images as the networks saw them, one condition a row."
            + (SEEN_NUMBERS if study.gallery.psnr is not None else ""),
            f"{study.gallery.images.shape[1]} test images under"
            f" {study.gallery.images.shape[0]} conditions.",
        )
    yield (
        "confusion",
        confusion_figure(study),
        "Share of each true class (row) by predicted class (column), in %: clean images, and the"
        " condition with the lowest accuracy.",
        f"Confusion matrices of {models}: {_hardest_in_words(study)}.",
    )
    yield (
        "confusion-gap",
        confusion_gap_figure(study, comparison),
        f"What {comparison.leader} answers more often (blue, +) or less often (orange, −) than"
        f" {comparison.other}, in points of the true class. {reading_help(study)} Differences are"
        " not tested one by one.",
        confusion_gaps_in_words(study, comparison),
    )
    yield (
        "mistakes",
        mistakes_figure(study.mistakes),
        "The most confident wrong answers with what the network saw, and below them what the"
        " other network said of the same picture.",
        mistakes_in_words(study.mistakes),
    )
    yield (
        "learning",
        learning_figure(study),
        "Learning curves. Training figures were taken as training ran, with whatever augmentation"
        " and dropout it had.",
        f"Training and validation accuracy and loss of {models} by epoch.",
    )
    yield (
        "cost",
        cost_figure(study, comparison),
        f"Accuracy ({what_is_shown(comparison)}) against cost; bars are 95 % intervals. The line"
        " joins the networks, drawn full, that no other beats in accuracy and cost at once.",
        _cost_in_words(study, comparison),
    )


def _severity_in_words(study: Study, comparison: Comparison) -> str:
    cells = {cell.condition.name: cell for cell in comparison.cells}
    parts = []
    for family in by_family(study.conditions).values():
        for model in study.models:
            found = [cells[c.name].accuracy[model] for c in family]
            values = ", ".join(percent(e.value) for e in found if e is not None)
            parts.append(f"{family[0].title}, {model}: {values}")
    return f"Accuracy in % with rising severity. {'; '.join(parts)}."


def _cost_in_words(study: Study, comparison: Comparison) -> str:
    accuracies = robust_accuracy(comparison)
    parts = [
        f"{model}: {percent(accuracies[model].value)} %, {significant(cost.latency_ms)} ms,"
        f" {si(cost.parameters)} parameters"
        for model, cost in measured_costs(study).items()
        if model in accuracies
    ]
    return f"Accuracy, {what_is_shown(comparison)}, with latency and size. {'; '.join(parts)}."


def _hardest_in_words(study: Study) -> str:
    parts = []
    for model in study.models:
        found = hardest_and_clean(study, model)
        parts.append(f"{model} on {enumeration([condition.short for condition in found])}")
    return "; ".join(parts)
