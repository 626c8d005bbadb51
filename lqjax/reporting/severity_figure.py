"""Accuracy against severity, one small plot per degradation."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lqjax.reporting.comparison import Cell, Comparison
from lqjax.reporting.conditions import by_family
from lqjax.reporting.formatting import shorten
from lqjax.reporting.study import Study
from lqjax.reporting.style import (
    FAINT,
    LEGEND_COLUMNS,
    SMALL,
    WIDTH,
    model_colors,
    model_markers,
    new_figure,
)

COLUMNS = 4
PLOT_HEIGHT = 2.5
LEGEND_HEIGHT = 0.5
MODEL_OFFSET = 0.06
MOST_SETTINGS = 4
WIDEST_TICK = 9
MOST_LINES = 3
LONGEST_TITLE = 26
ROW_GAP = 0.06
INTERVAL_WIDTH = 1.2
CAP = 2.5
BASELINE = "always the commonest class"


def severity_figure(study: Study, comparison: Comparison) -> Figure | None:
    """Draw accuracy with its interval from clean to the highest severity; `None` if all clean."""
    families = list(by_family(study.conditions).values())
    if not families:
        return None
    columns = min(COLUMNS, len(families))
    rows = -(-len(families) // columns)
    width = WIDTH if columns > 1 else WIDTH / 2
    figure = new_figure(PLOT_HEIGHT * rows + LEGEND_HEIGHT, width)
    figure.get_layout_engine().set(hspace=ROW_GAP)  # type: ignore[union-attr,call-arg]
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    cells = {cell.condition.name: cell for cell in comparison.cells}
    for axes, family in zip(grid, families, strict=False):
        shown = [*([comparison.clean] if comparison.clean else [])]
        shown += [cells[condition.name] for condition in family]
        _draw_family(axes, study, shown)
        axes.set_title(shorten(family[0].title, LONGEST_TITLE))
    for axes in grid[len(families) :]:
        axes.set_axis_off()
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy, %")
    handles, labels = grid[0].get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] == BASELINE)
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside upper left",
        ncols=min(len(handles), LEGEND_COLUMNS),
    )
    return figure


def _draw_family(axes: Axes, study: Study, cells: Sequence[Cell]) -> None:
    colors, markers = model_colors(study.models), model_markers(study.models)
    for i, model in enumerate(study.models):
        offset = (i - (len(study.models) - 1) / 2) * MODEL_OFFSET
        points = [(x, c.accuracy[model]) for x, c in enumerate(cells)]
        found = [(x + offset, e) for x, e in points if e is not None]
        heights = [100 * e.value for _, e in found]
        below = [100 * (e.value - e.low) for _, e in found]
        above = [100 * (e.high - e.value) for _, e in found]
        axes.errorbar(
            [x for x, _ in found],
            heights,
            yerr=[below, above],
            color=colors[model],
            marker=markers[model],
            elinewidth=INTERVAL_WIDTH,
            capsize=CAP,
            label=model,
        )
    axes.axhline(
        100 * study.commonest_share,
        color=FAINT,
        linestyle=":",
        linewidth=1.5,
        label=BASELINE,
    )
    axes.set_xticks(range(len(cells)), [_tick(cell, len(cells)) for cell in cells])
    axes.set_xlim(-0.4, len(cells) - 0.6)
    axes.set_ylim(0, 104)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[2, 2.5, 5, 10]))
    axes.grid(axis="x", visible=False)
    axes.tick_params(axis="x", length=0, labelsize=SMALL)


def _tick(cell: Cell, count: int) -> str:
    """Name a severity under its point: the level, or the setting where there is no level."""
    condition = cell.condition
    if not condition.degraded:
        return "clean"
    text = condition.level or condition.setting or "degraded"
    if len(text) <= WIDEST_TICK and count <= MOST_SETTINGS:
        return text
    lines = textwrap.wrap(text, WIDEST_TICK if count > MOST_SETTINGS else 2 * WIDEST_TICK)
    return "\n".join(lines[:MOST_LINES])
