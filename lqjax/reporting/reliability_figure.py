"""Reliability diagrams: accuracy against confidence, before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lqjax.metrics.reliability import ReliabilityDiagram
from lqjax.reporting.calibration import Calibration
from lqjax.reporting.formatting import percent
from lqjax.reporting.legends import draw_legend
from lqjax.reporting.style import (
    FAINT,
    model_looks,
    new_figure,
)

RELIABILITY = "reliability"
"""Name of the figure."""

PANEL_WIDTH = 2.9
DIAGRAM_HEIGHT, STRIP_HEIGHT, LEGEND_HEIGHT = 2.6, 0.95, 0.9
HEIGHT_RATIOS = (DIAGRAM_HEIGHT, STRIP_HEIGHT)
LEAST_ANSWERS = 10
"""Answers in a bin from which on its accuracy is drawn: with fewer it is a matter of chance."""

CAPTION = (
    "Reliability diagrams: accuracy of the answers in each bin of confidence; a calibrated network"
    " lies on the dotted line, an overconfident one below. Bins with fewer than"
    f" {LEAST_ANSWERS} answers are left out. Below: how the answers share out over the bins."
    " Degraded: the answers under all shared conditions together."
)

MARGIN = 3
HEADROOM = 1.05
"""Height of the strips over their highest bin."""

PERFECT = "calibrated"


def reliability_figure(models: Sequence[str], calibration: Calibration | None) -> Figure | None:
    """Draw a diagram for clean and one for degraded images, and both again after scaling.

    Below each: the share of answers by confidence. Models that were not scaled stand in the first
    panels only.

    Args:
      models: all compared models, which have their colours in this order.
    """
    if calibration is None:
        return None
    panels = _panels(calibration)
    figure = new_figure(
        DIAGRAM_HEIGHT + STRIP_HEIGHT + LEGEND_HEIGHT, max(2, len(panels)) * PANEL_WIDTH
    )
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", height_ratios=HEIGHT_RATIOS)
    columns = np.reshape(grid, (2, len(panels))).T
    for (above, below), (title, diagrams) in zip(columns, panels, strict=True):
        _draw_diagram(above, models, diagrams)
        _draw_shares(below, models, diagrams)
        above.set_title(title)
    shares = [d.counts.max() / d.counts.sum() for _, found in panels for d in found.values()]
    columns[0][1].set_ylim(0, HEADROOM * 100 * max(shares))
    columns[0][0].set_ylabel("accuracy, %")
    columns[0][1].set_ylabel("answers, %")
    draw_legend(figure, columns[0][0].get_legend_handles_labels()[0])
    return figure


def _panels(calibration: Calibration) -> list[tuple[str, dict[str, ReliabilityDiagram]]]:
    panels = []
    for scope, conditions in calibration.scopes().items():
        for scaled in (False, True):
            found = {
                model.model: model.mean(conditions, scaled).diagram
                for model in calibration.models
                if model.scaled or not scaled
            }
            if found:
                panels.append((f"{scope}, scaled" if scaled else scope, found))
    return panels


def _draw_diagram(
    axes: Axes, models: Sequence[str], diagrams: dict[str, ReliabilityDiagram]
) -> None:
    axes.plot([0, 100], [0, 100], color=FAINT, linestyle=":", linewidth=1.5, label=PERFECT)
    looks = model_looks(models)
    for model, diagram in diagrams.items():
        drawn = diagram.counts >= LEAST_ANSWERS
        axes.plot(
            100 * diagram.confidence[drawn],
            100 * diagram.accuracy[drawn],
            color=looks[model].color,
            marker=looks[model].marker,
            linestyle=looks[model].line,
            label=model,
        )
    axes.set_xlim(-MARGIN, 100 + MARGIN)
    axes.set_ylim(-MARGIN, 100 + MARGIN)


def _draw_shares(
    axes: Axes, models: Sequence[str], diagrams: dict[str, ReliabilityDiagram]
) -> None:
    for model, diagram in diagrams.items():
        axes.stairs(
            100 * diagram.counts / diagram.counts.sum(),
            100 * diagram.edges,
            color=model_looks(models)[model].color,
            linestyle=model_looks(models)[model].line,
            linewidth=1.5,
        )
    axes.set_xlabel("confidence, %")


def diagrams_in_words(calibration: Calibration) -> str:
    """Say mean confidence and accuracy of each panel."""
    parts = []
    for scope, conditions in calibration.scopes().items():
        for model in calibration.models:
            found = model.mean(conditions)
            text = f"{model.model}, {scope}: confidence {percent(found.confidence)} %"
            if model.scaled:
                scaled = model.mean(conditions, scaled=True)
                text += f" ({percent(scaled.confidence)} % scaled)"
            parts.append(f"{text} at an accuracy of {percent(found.accuracy)} %")
    return f"Reliability diagrams. {'; '.join(parts)}."
