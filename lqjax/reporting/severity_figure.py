"""Accuracy against severity, one small plot per degradation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lqjax.reporting.bands import draw_band
from lqjax.reporting.comparison import Cell, Comparison
from lqjax.reporting.conditions import by_family
from lqjax.reporting.formatting import percent, shorten
from lqjax.reporting.gallery_figure import text_width
from lqjax.reporting.legends import draw_legend
from lqjax.reporting.severity_axis import SeverityAxis, mild_to_severe, severity_axis
from lqjax.reporting.study import Study
from lqjax.reporting.style import (
    FAINT,
    SMALL,
    WIDTH,
    model_looks,
    new_figure,
)

ACCURACY = "accuracy"
"""Name of the figure."""

CAPTION = (
    "Accuracy against severity, from clean images on the left to the most severe on the right."
    " Shaded bands are 95 % intervals at the severities tested, joined; the dotted line is the"
    " accuracy of always answering the commonest class."
)
COLUMNS = 4
PLOT_HEIGHT = 2.75
LEGEND_HEIGHT = 0.5
ROW_GAP = 0.06
BESIDE = 0.45
"""Width of a plot that its curve does not have, in inches."""

TICK_GAP = 0.04
"""Free space between the words below two ticks, in inches."""

LONGEST_TITLE, LONGEST_AXIS = 28, 36
EDGE_ROOM = 0.4
"""Free space left and right, in severities."""

ROOM, LEAST_RANGE = 4.0, 30.0
"""Points of accuracy: free space above and below, and what the axis shows at least."""

BASELINE = "always the commonest class"


def severity_figure(study: Study, comparison: Comparison) -> Figure | None:
    """Draw accuracy with its band from clean to the highest severity; `None` if all clean."""
    panels = _panels(study, comparison)
    if not panels:
        return None
    axis_of = [severity_axis([cell.condition for cell in cells]) for _, cells in panels]
    columns = _columns(axis_of)
    rows = -(-len(panels) // columns)
    width = WIDTH if columns > 1 else WIDTH / 2
    figure = new_figure(PLOT_HEIGHT * rows + LEGEND_HEIGHT, width)
    figure.get_layout_engine().set(hspace=ROW_GAP)  # type: ignore[union-attr,call-arg]
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, (title, cells), axis in zip(grid, panels, axis_of, strict=False):
        _draw_family(axes, study, cells, axis)
        axes.set_title(shorten(title, LONGEST_TITLE * COLUMNS // columns))
    grid[0].set_ylim(_lowest(study, [cell for _, cells in panels for cell in cells]), 100 + ROOM)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy, %")
    draw_legend(figure, grid[0].get_legend_handles_labels()[0])
    return figure


def severity_in_words(study: Study, comparison: Comparison) -> str:
    """Say every point of the figure to those who cannot see it."""
    parts = []
    if comparison.clean is not None:
        parts.append(f"clean images: {_values(comparison.clean.accuracy, study.models)}")
    for title, cells in _panels(study, comparison):
        severities = [
            f"{cell.condition.level or cell.condition.setting or 'degraded'}:"
            f" {_values(cell.accuracy, study.models)}"
            for cell in cells
            if cell.condition.degraded
        ]
        parts.append(f"{title}, {'; '.join(severities)}")
    return f"Accuracy in % with rising severity. {'. '.join(parts)}."


def _values(accuracy: Mapping, models: Sequence[str]) -> str:
    return ", ".join(f"{m} {percent(accuracy[m].value)}" for m in models if accuracy[m] is not None)


def _panels(study: Study, comparison: Comparison) -> list[tuple[str, list[Cell]]]:
    """Return title and cells of each degradation: clean images first, then mildest to severest."""
    cells = {cell.condition.name: cell for cell in comparison.cells}
    clean = [comparison.clean] if comparison.clean else []
    return [
        (family[0].title, [*clean, *(cells[c.name] for c in mild_to_severe(study, family))])
        for family in by_family(study.conditions).values()
    ]


def _columns(found: Sequence[SeverityAxis]) -> int:
    """Put as many plots beside each other as leave room for the words below their ticks."""
    widest = max(len(axis.ticks) * _tick_distance(axis) for axis in found)
    fitting = int(WIDTH / (widest + BESIDE))
    return max(1, min(COLUMNS, fitting, len(found)))


def _tick_distance(axis: SeverityAxis) -> float:
    """Return how far two ticks must lie apart for their words, line by line, in inches."""
    widths = [[text_width(line) for line in tick.split("\n")] for tick in axis.ticks]
    beside = [
        (left + right) / 2
        for one, other in pairwise(widths)
        for left, right in zip(one, other, strict=False)
    ]
    return max(beside, default=0.0) + TICK_GAP


def _lowest(study: Study, cells: Sequence[Cell]) -> float:
    """Return where the axis begins: below all bands and the baseline, at 0 where that is near."""
    found = [e.low for cell in cells for e in cell.accuracy.values() if e is not None]
    lowest = 100 * min([*found, study.commonest_share]) - ROOM
    return max(0.0, min(lowest, 100 - LEAST_RANGE))


def _draw_family(axes: Axes, study: Study, cells: Sequence[Cell], axis: SeverityAxis) -> None:
    for model, look in model_looks(study.models).items():
        points = [(x, c.accuracy[model]) for x, c in enumerate(cells)]
        found = [(x, e) for x, e in points if e is not None]
        places = [x for x, _ in found]
        if found:
            draw_band(axes, places, [e for _, e in found], look.color)
        axes.plot(
            places,
            [100 * e.value for _, e in found],
            color=look.color,
            marker=look.marker,
            linestyle=look.line,
            label=model,
        )
    axes.axhline(
        100 * study.commonest_share, color=FAINT, linestyle=":", linewidth=1.5, label=BASELINE
    )
    axes.set_xticks(range(len(cells)), axis.ticks)
    axes.set_xlim(-EDGE_ROOM, len(cells) - 1 + EDGE_ROOM)
    axes.set_xlabel(shorten(axis.title, LONGEST_AXIS), size=SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[2, 2.5, 5, 10]))
    axes.grid(axis="x", visible=False)
    axes.tick_params(axis="x", length=0, labelsize=SMALL)
