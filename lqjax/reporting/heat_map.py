"""Where the models part: the gap of leader and runner-up, degradation by severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import Condition, by_family
from lqjax.reporting.formatting import STAR, percent, shorten
from lqjax.reporting.gallery_figure import text_width
from lqjax.reporting.severity_axis import SEVERITY, UNNAMED, mild_to_severe
from lqjax.reporting.study import Study
from lqjax.reporting.style import FONT_SIZE, PALETTE, SMALL, new_figure, pair_colors

CELL_WIDTH, CELL_HEIGHT = 0.95, 0.36
"""Of a cell, in inches."""

LEGEND_WIDTH, AXIS_HEIGHT, MARGIN = 1.7, 0.7, 0.5
HEAT_MAP = "heat_map"
"""Name of the figure."""

LONGEST_TITLE = 34
LEAST_RANGE = 1.0
"""Points at which the colours end at least: smaller differences stay pale."""

MINUS = "−"
WHITE, BLACK, NEUTRAL, UNKNOWN = "#ffffff", "#000000", "#f7f7f7", "#c9ced4"
LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue. Source: ITU-R BT.709."""

WHITE_BELOW = 0.4
"""Luma below which white text is the easier to read: on the palette's blue, not on its others."""


@dataclass(frozen=True)
class HeatMap:
    """What is drawn: points by family (row) and severity (column).

    Attributes:
      title: what a positive number means.
      rows, columns: names.
      points: NaN where a cell was not tested.
      shown: cells in which a difference is shown.
      ends: colours of the lowest, and of the highest number.
      sides: leader and runner-up; the second is empty for a single model.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    points: np.ndarray
    shown: np.ndarray
    ends: tuple[str, str]
    sides: tuple[str, str]

    def caption(self) -> str:
        """Say what the cells and their colours are."""
        ahead, behind = self.sides
        if not behind:
            return f"What each condition costs {ahead}, in points; white is no change."
        text = (
            f"Gap in points by degradation and severity: the colour of {ahead} where it is ahead,"
            f" of {behind} where that is; white is no difference."
        )
        if self.shown.any():
            return f"{text} Bold with * where a difference is shown after Holm's correction."
        return f"{text} In no condition is a difference shown after Holm's correction."

    def in_words(self) -> str:
        """Say all cells, row by row."""
        parts = []
        for row, values, shown in zip(self.rows, self.points, self.shown, strict=True):
            cells = [
                f"{column} {_signed(value)}{' (shown)' if mark else ''}"
                for column, value, mark in zip(self.columns, values, shown, strict=True)
                if np.isfinite(value)
            ]
            parts.append(f"{row}: {', '.join(cells)}")
        return f"{self.title}. {'; '.join(parts)}."


def heat_map(study: Study, comparison: Comparison) -> HeatMap | None:
    """Gather the gap in each condition that all models finished, or of a single model its drop.

    Returns:
      `None` without such a condition.
    """
    families = [mild_to_severe(study, f) for f in by_family(comparison.shared).values()]
    values = _gaps(comparison) if comparison.other else _drops(comparison)
    if not families or not values:
        return None
    columns = _columns(families)
    points = np.full((len(families), len(columns)), np.nan)
    shown = np.zeros(points.shape, bool)
    for row, found in enumerate(families):
        for position, condition in enumerate(found):
            column = columns.index(condition.level) if condition.level in columns else position
            points[row, column] = 100 * values[condition.name]
            shown[row, column] = comparison.shown(condition)
    leader, other = comparison.leader, comparison.other
    title = f"{leader} − {other}" if other else f"{leader}: drop from clean images"
    return HeatMap(
        title=f"{title}, points",
        rows=tuple(shorten(found[0].title, LONGEST_TITLE) for found in families),
        columns=columns,
        points=points,
        shown=shown,
        ends=_ends(study, comparison),
        sides=(leader, other),
    )


def heat_map_figure(found: HeatMap | None) -> Figure | None:
    """Draw the cells with their numbers, colours centred on zero."""
    if found is None:
        return None
    rows, columns = found.points.shape
    left = max(map(text_width, found.rows))
    width = left + CELL_WIDTH * columns + LEGEND_WIDTH
    figure = new_figure(CELL_HEIGHT * rows + AXIS_HEIGHT + MARGIN, width)
    axes = figure.subplots()
    limit = max(LEAST_RANGE, float(np.nanmax(np.abs(found.points))))
    scale = Normalize(-limit, limit)
    shades = LinearSegmentedColormap.from_list("gap", [found.ends[0], NEUTRAL, found.ends[1]])
    image = axes.imshow(
        np.ma.masked_invalid(found.points), cmap=shades.with_extremes(bad=UNKNOWN), norm=scale,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks(range(columns), found.columns)
    axes.set_yticks(range(rows), found.rows)
    axes.set_xlabel("" if found.columns == (UNNAMED,) else SEVERITY)
    axes.set_title(found.title)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for (row, column), value in np.ndenumerate(found.points):
        if np.isfinite(value):
            _write(axes, row, column, value, bool(found.shown[row, column]), shades(scale(value)))
    bar = figure.colorbar(image, ax=axes, fraction=0.06, pad=0.02)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.tick_params(length=0, labelsize=SMALL)
    return figure


def _write(
    axes: Axes, row: int, column: int, value: float, shown: bool, ground: Sequence[float]
) -> None:
    dark = float(np.dot(ground[:3], LUMA)) < WHITE_BELOW
    axes.text(
        column, row, _signed(value) + STAR * shown, ha="center", va="center",
        color=WHITE if dark else BLACK, size=FONT_SIZE, weight="bold" if shown else "normal",
    )  # fmt: skip


def _gaps(comparison: Comparison) -> dict[str, float]:
    return {c.condition.name: c.gap.value for c in comparison.cells if c.gap is not None}


def _drops(comparison: Comparison) -> dict[str, float]:
    clean = comparison.clean.accuracy[comparison.leader] if comparison.clean else None
    if clean is None:
        return {}
    found = {c.condition.name: c.accuracy[comparison.leader] for c in comparison.cells}
    return {name: clean.value - e.value for name, e in found.items() if e is not None}


def _columns(families: Sequence[Sequence[Condition]]) -> tuple[str, ...]:
    """Name the columns: by the levels where all families share them, else 1., 2., ... by rank."""
    levels = [[condition.level for condition in found] for found in families]
    longest = max(levels, key=len)
    distinct = len(set(longest)) == len(longest) and "" not in longest
    if distinct and all(set(found) <= set(longest) for found in levels):
        return tuple(longest)
    return (UNNAMED,) if len(longest) == 1 else tuple(f"{n + 1}." for n in range(len(longest)))


def _ends(study: Study, comparison: Comparison) -> tuple[str, str]:
    """Choose the colours of both models; of a drop, those of the palette's beginning."""
    if not comparison.other:
        return (PALETTE[0], PALETTE[1])
    return pair_colors(study.models, comparison.other, comparison.leader)


def _signed(value: float) -> str:
    """Write points with their sign: +1.4, −0.3, 0.0."""
    text = percent(value / 100)
    if text == "0.0":
        return text
    return text.replace("-", MINUS) if value < 0 else f"+{text}"
