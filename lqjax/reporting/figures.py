"""Draw and save all figures of a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etils import epath
from matplotlib.figure import Figure

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import by_family
from lqjax.reporting.confusion_figure import confusion_figure, hardest_and_clean
from lqjax.reporting.cost_figure import cost_figure
from lqjax.reporting.figure_files import SavedFigure, save_figure
from lqjax.reporting.formatting import enumeration, percent
from lqjax.reporting.gallery_figure import gallery_figure
from lqjax.reporting.learning_figure import learning_figure
from lqjax.reporting.severity_figure import severity_figure
from lqjax.reporting.study import Study
from lqjax.reporting.style import figure_style


@dataclass(frozen=True)
class Drawn:
    """A saved figure with its caption and what it shows in words."""

    saved: SavedFigure
    caption: str
    alternative: str


def draw_figures(study: Study, comparison: Comparison, folder: epath.Path) -> dict[str, Drawn]:
    """Save every figure for which there is data as PNG and SVG; return them by name."""
    drawn = {}
    with figure_style():
        for name, figure, caption, alternative in _figures(study, comparison):
            if figure is not None:
                saved = save_figure(figure, folder, name)
                drawn[name] = Drawn(saved, caption, alternative)
    return drawn


def _figures(study: Study, comparison: Comparison) -> Iterator[tuple[str, Figure | None, str, str]]:
    models = enumeration(study.models)
    yield (
        "accuracy",
        severity_figure(study, comparison),
        "Accuracy against severity. Bars are 95 % intervals; the dotted line is the accuracy of"
        " always answering the commonest class.",
        _severity_in_words(study, comparison),
    )
    if study.gallery is not None:
        yield (
            "gallery",
            gallery_figure(study.gallery),
            "Test images as the networks saw them, one condition a row.",
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
        "learning",
        learning_figure(study),
        "Learning curves. Training figures were taken as training ran, with whatever augmentation"
        " and dropout it had.",
        f"Training and validation accuracy and loss of {models} by epoch.",
    )
    yield (
        "cost",
        cost_figure(study, comparison),
        "Accuracy against cost: multiply-adds of one forward pass, and the measured latency of one"
        " image. Bars are 95 % intervals.",
        f"Accuracy of {models} against multiply-adds and latency; the cost table has the numbers.",
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


def _hardest_in_words(study: Study) -> str:
    parts = []
    for model in study.models:
        found = hardest_and_clean(study, model)
        parts.append(f"{model} on {enumeration([condition.short for condition in found])}")
    return "; ".join(parts)
