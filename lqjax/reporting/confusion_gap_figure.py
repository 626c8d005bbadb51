"""Which confusions the two best models do not share: leader minus runner-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import Condition
from lqjax.reporting.confusion_figure import (
    BLACK,
    MOST_NUMBERED,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    UNKNOWN,
    WHITE,
    label_classes,
)
from lqjax.reporting.formatting import plural, shorten
from lqjax.reporting.legends import draw_legend
from lqjax.reporting.study import Study
from lqjax.reporting.style import FONT_SIZE, INK, SMALL, new_figure, pair_colors
from lqjax.textlists import enumeration

MOST_IN_MATRIX = 15
"""Classes up to which a matrix is read at a glance; above, the largest differences are listed."""

MOST_LISTED = 12
IN_WORDS = 3
LONGEST_NAME = 16
BAR_HEIGHT, BAR_MARGIN, BAR_WIDTH = 0.3, 0.9, 5.2
LEAST_SCALE = 0.05
"""Models that hardly differ are not made to look as if they did: the colours span 5 points."""

LEAST_WRITTEN = 0.005
EQUAL_CONTRAST = 0.179
"""Luminance on which black and white stand out alike. Source: WCAG 2.2, contrast ratio."""

LUMINANCE = (0.2126, 0.7152, 0.0722)
GAMMA = 2.2
NEITHER = "#f7f7f7"
ARROW = "\N{RIGHTWARDS ARROW}"

Panel = tuple[str, np.ndarray]
"""A title, and leader minus runner-up in the share of each true class (row) by predicted class."""


def confusion_gaps(study: Study, comparison: Comparison) -> list[Panel]:
    """Return the differences on clean images and, all conditions pooled, on degraded ones."""
    if not comparison.other:
        return []
    panels = []
    clean = comparison.clean
    if clean is not None and clean.gap is not None:
        panels.append(("clean images", _gap(study, comparison, [clean.condition])))
    if comparison.shared:
        title = f"degraded images ({plural(len(comparison.shared), 'condition')})"
        panels.append((title, _gap(study, comparison, comparison.shared)))
    return panels


def _gap(study: Study, comparison: Comparison, conditions: Sequence[Condition]) -> np.ndarray:
    """Return the differences of shares; NaN in the rows of classes without images."""
    shares = []
    for model in (comparison.leader, comparison.other):
        counts = np.sum([study.confusion(model, c) for c in conditions], axis=0).astype(float)
        totals = counts.sum(axis=1, keepdims=True)
        shares.append(np.divide(counts, totals, np.full_like(counts, np.nan), where=totals > 0))
    return shares[0] - shares[1]


def confusion_gap_figure(study: Study, comparison: Comparison) -> Figure | None:
    """Draw matrices for few classes, the largest differences for many; `None` for one model."""
    panels = confusion_gaps(study, comparison)
    if not panels:
        return None
    leader, other = comparison.leader, comparison.other
    colors = pair_colors(study.models, leader, other)
    if len(study.class_names) > MOST_IN_MATRIX:
        figure = _bars(study, panels, colors)
    else:
        figure = _matrices(study, panels, shades(*colors))
    signs = (f"+ {leader} more often", f"\N{MINUS SIGN} {other} more often")
    handles = [Patch(color=c, label=sign) for c, sign in zip(colors, signs, strict=True)]
    draw_legend(figure, handles)
    return figure


def shades(leader: str, other: str) -> Colormap:
    """Make the colours of differences: from the other's, over none, to the leader's."""
    found = LinearSegmentedColormap.from_list("gap", [other, NEITHER, leader])
    return found.with_extremes(bad=UNKNOWN)


def _matrices(study: Study, panels: Sequence[Panel], colors: Colormap) -> Figure:
    figure = new_figure(PANEL_HEIGHT, PANEL_WIDTH * len(panels))
    grid = figure.subplots(1, len(panels), squeeze=False).ravel()
    scale = max(LEAST_SCALE, *(float(np.nanmax(np.abs(gap))) for _, gap in panels))
    for axes, (title, gap) in zip(grid, panels, strict=True):
        axes.imshow(gap, cmap=colors, vmin=-scale, vmax=scale, interpolation="nearest")
        label_classes(axes, study.class_names)
        axes.set_title(title)
        if len(gap) <= MOST_NUMBERED:
            _number(axes, gap, scale, colors)
    return figure


def _number(axes: Axes, gap: np.ndarray, scale: float, colors: Colormap) -> None:
    """Write differences of at least half a point into the cells, in whole points with sign."""
    size = SMALL if len(gap) > 3 else FONT_SIZE
    for (i, j), share in np.ndenumerate(gap):
        if abs(share) >= LEAST_WRITTEN:
            color = _ink_on(colors((share / scale + 1) / 2))
            text = f"{100 * share:+.0f}".replace("-", "\N{MINUS SIGN}")
            axes.text(j, i, text, ha="center", va="center", color=color, size=size)


def _ink_on(ground: tuple[float, float, float, float]) -> str:
    light = float(np.power(ground[:3], GAMMA) @ LUMINANCE)
    return BLACK if light > EQUAL_CONTRAST else WHITE


def _bars(study: Study, panels: Sequence[Panel], pair: tuple[str, str]) -> Figure:
    listed = [largest(gap, MOST_LISTED) for _, gap in panels]
    height = BAR_HEIGHT * max(1, *map(len, listed)) + BAR_MARGIN
    figure = new_figure(height, BAR_WIDTH * len(panels))
    for axes, (title, gap), pairs in zip(
        figure.subplots(1, len(panels), squeeze=False).ravel(), panels, listed, strict=True
    ):
        values = [100 * gap[pair] for pair in pairs]
        colors = [pair[0] if value > 0 else pair[1] for value in values]
        places = range(len(pairs))
        axes.barh(places, values, color=colors)
        axes.set_yticks(places, [_pair(study.class_names, pair) for pair in pairs])
        axes.invert_yaxis()
        axes.axvline(0, color=INK, linewidth=1)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("difference in points of the true class")
        axes.set_title(title)
    return figure


def largest(gap: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Return the mistakes (true, predicted) in which two models differ most, largest first."""
    size = np.nan_to_num(np.abs(gap))
    np.fill_diagonal(size, 0)
    order = np.argsort(-size, axis=None, kind="stable")[:count]
    pairs = zip(*np.unravel_index(order, gap.shape), strict=True)
    return [(int(i), int(j)) for i, j in pairs if size[i, j] > 0]


def confusion_gap_caption(study: Study, comparison: Comparison) -> str:
    """Say what the figure shows and how it is read: few classes are a matrix, many a list."""
    help_in_reading = (
        "On the diagonal that is more right answers, beside it more mistakes."
        if len(study.class_names) <= MOST_IN_MATRIX
        else f"The {MOST_LISTED} mistakes that differ most; all others differ less."
    )
    return (
        f"What {comparison.leader} answers more often (+, in its colour) or less often (−, in that"
        f" of {comparison.other}) than {comparison.other}, in points of the true class."
        f" {help_in_reading} Differences are not tested one by one."
    )


def confusion_gaps_in_words(study: Study, comparison: Comparison) -> str:
    """Name the largest differences for those who cannot see the figure."""
    parts = []
    for title, gap in confusion_gaps(study, comparison):
        found = [
            f"{_pair(study.class_names, pair)} {100 * gap[pair]:+.1f}"
            for pair in largest(gap, IN_WORDS)
        ]
        parts.append(f"{title}: {enumeration(found) or 'none'}")
    return (
        f"Mistakes (true {ARROW} predicted) in which {comparison.leader} and {comparison.other}"
        f" differ most, in points of the true class: {'; '.join(parts)}."
    )


def _pair(names: Sequence[str], pair: tuple[int, int]) -> str:
    true, predicted = (shorten(names[i], LONGEST_NAME) for i in pair)
    return f"{true} {ARROW} {predicted}"
