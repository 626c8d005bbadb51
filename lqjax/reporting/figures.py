"""Draw and save all figures of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from etils import epath
from matplotlib.figure import Figure

from lqjax.reporting import severity_figure as severity
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.confusion_figure import confusion_figure, hardest_and_clean
from lqjax.reporting.confusion_gap_figure import (
    confusion_gap_caption,
    confusion_gap_figure,
    confusion_gaps_in_words,
)
from lqjax.reporting.cost_figure import cost_figure, costs_in_words, what_is_shown
from lqjax.reporting.envelope_figure import CAPTION as ENVELOPE_CAPTION
from lqjax.reporting.envelope_figure import ENVELOPE, envelope_figure, envelopes_in_words
from lqjax.reporting.figure_files import SavedFigure, remove_figure, save_figure
from lqjax.reporting.findings import Findings
from lqjax.reporting.gallery_figure import gallery_figure
from lqjax.reporting.heat_map import HEAT_MAP, heat_map, heat_map_figure
from lqjax.reporting.learning_figure import learning_figure
from lqjax.reporting.mistakes_figure import mistakes_figure, mistakes_in_words
from lqjax.reporting.mistakes_words import mistakes_caption
from lqjax.reporting.reliability_figure import (
    CAPTION,
    RELIABILITY,
    diagrams_in_words,
    reliability_figure,
)
from lqjax.reporting.study import Study
from lqjax.reporting.style import figure_style
from lqjax.textlists import enumeration

SEEN_NUMBERS = " Below each: PSNR and SSIM against the clean image."


@dataclass(frozen=True)
class Sketch:
    """A figure before it is saved; `figure` is `None` where there is nothing to draw.

    Attributes:
      alternative: what it shows, in words.
    """

    figure: Figure | None
    caption: str
    alternative: str


@dataclass(frozen=True)
class Drawn:
    """A saved figure with its caption and what it shows in words."""

    saved: SavedFigure
    caption: str
    alternative: str


def draw_figures(
    study: Study, comparison: Comparison, findings: Findings, folder: epath.Path
) -> dict[str, Drawn]:
    """Save every figure for which there is data as PNG and SVG; return them by name.

    Files of one for which there is none, left by an earlier report, are removed.
    """
    drawn = {}
    with figure_style():
        for name, sketched in FIGURES.items():
            sketch = sketched(study, comparison, findings)
            if sketch is not None and sketch.figure is not None:
                saved = save_figure(sketch.figure, folder, name)
                drawn[name] = Drawn(saved, sketch.caption, sketch.alternative)
            else:
                remove_figure(folder, name)
    return drawn


def _accuracy(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    return Sketch(
        severity.severity_figure(study, comparison),
        severity.CAPTION,
        severity.severity_in_words(study, comparison),
    )


def _heat_map(study: Study, comparison: Comparison, findings: Findings) -> Sketch | None:
    cells = heat_map(study, comparison)
    if cells is None:
        return None
    return Sketch(heat_map_figure(cells), cells.caption(), cells.in_words())


def _envelope(study: Study, comparison: Comparison, findings: Findings) -> Sketch | None:
    if findings.envelopes is None:
        return None
    return Sketch(
        envelope_figure(study, findings.envelopes),
        ENVELOPE_CAPTION,
        envelopes_in_words(study, findings.envelopes),
    )


def _reliability(study: Study, comparison: Comparison, findings: Findings) -> Sketch | None:
    if findings.calibration is None:
        return None
    return Sketch(
        reliability_figure(study.models, findings.calibration),
        CAPTION,
        diagrams_in_words(findings.calibration),
    )


def _gallery(study: Study, comparison: Comparison, findings: Findings) -> Sketch | None:
    if study.gallery is None:
        return None
    return Sketch(
        gallery_figure(study.gallery),
        "Test images as the networks saw them, one condition a row; above each column its class."
        + (SEEN_NUMBERS if study.gallery.psnr is not None else ""),
        f"{study.gallery.images.shape[1]} test images under"
        f" {study.gallery.images.shape[0]} conditions.",
    )


def _confusion(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    hardest = "; ".join(
        f"{model} on {enumeration([c.short for c in hardest_and_clean(study, model)])}"
        for model in study.models
    )
    return Sketch(
        confusion_figure(study),
        "Share of each true class (row) by predicted class (column), in %: clean images, and the"
        " condition in which the network has its lowest accuracy.",
        f"Confusion matrices of {enumeration(study.models)}: {hardest}.",
    )


def _confusion_gap(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    return Sketch(
        confusion_gap_figure(study, comparison),
        confusion_gap_caption(study, comparison),
        confusion_gaps_in_words(study, comparison),
    )


def _mistakes(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    return Sketch(
        mistakes_figure(study.mistakes),
        mistakes_caption(study.mistakes),
        mistakes_in_words(study.mistakes),
    )


def _learning(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    return Sketch(
        learning_figure(study),
        "Learning curves. Training figures were taken as training ran, with whatever augmentation"
        " and dropout it had.",
        f"Training and validation accuracy and loss of {enumeration(study.models)} by epoch.",
    )


def _cost(study: Study, comparison: Comparison, findings: Findings) -> Sketch:
    return Sketch(
        cost_figure(study, comparison),
        f"Accuracy ({what_is_shown(comparison)}) against cost; bars are 95 % intervals. The line"
        " joins the networks, drawn full, that no other beats in accuracy and cost at once.",
        costs_in_words(study, comparison),
    )


FIGURES: Mapping[str, Callable[[Study, Comparison, Findings], Sketch | None]] = {
    severity.ACCURACY: _accuracy,
    HEAT_MAP: _heat_map,
    ENVELOPE: _envelope,
    RELIABILITY: _reliability,
    "gallery": _gallery,
    "confusion": _confusion,
    "confusion-gap": _confusion_gap,
    "mistakes": _mistakes,
    "learning": _learning,
    "cost": _cost,
}
"""One function a figure, by the name of its files; the report puts them where it wants."""
