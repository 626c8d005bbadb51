"""Which confusions the two best models do not share: leader minus runner-up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

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
from lqjax.reporting.formatting import enumeration, plural, shorten
from lqjax.reporting.study import Study
from lqjax.reporting.style import FONT_SIZE, INK, PALETTE, SMALL, new_figure

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
LEADER, OTHER, NEITHER = PALETTE[0], PALETTE[1], "#f7f7f7"
SHADES = LinearSegmentedColormap.from_list("gap", [OTHER, NEITHER, LEADER]).with_extremes(
    bad=UNKNOWN
)
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
    if len(study.class_names) > MOST_IN_MATRIX:
        return _bars(study, panels)
    figure = new_figure(PANEL_HEIGHT, PANEL_WIDTH * len(panels))
    grid = figure.subplots(1, len(panels), squeeze=False).ravel()
    scale = max(LEAST_SCALE, *(float(np.nanmax(np.abs(gap))) for _, gap in panels))
    for axes, (title, gap) in zip(grid, panels, strict=True):
        axes.imshow(gap, cmap=SHADES, vmin=-scale, vmax=scale, interpolation="nearest")
        label_classes(axes, study.class_names)
        axes.set_title(title)
        if len(gap) <= MOST_NUMBERED:
            _number(axes, gap, scale)
    return figure


def _number(axes: Axes, gap: np.ndarray, scale: float) -> None:
    """Write differences of at least half a point into the cells, in whole points with sign."""
    size = SMALL if len(gap) > 3 else FONT_SIZE
    for (i, j), share in np.ndenumerate(gap):
        if abs(share) >= LEAST_WRITTEN:
            color = _ink_on(SHADES((share / scale + 1) / 2))
            text = f"{100 * share:+.0f}".replace("-", "\N{MINUS SIGN}")
            axes.text(j, i, text, ha="center", va="center", color=color, size=size)


def _ink_on(ground: tuple[float, float, float, float]) -> str:
    light = float(np.power(ground[:3], GAMMA) @ LUMINANCE)
    return BLACK if light > EQUAL_CONTRAST else WHITE


def _bars(study: Study, panels: Sequence[Panel]) -> Figure:
    listed = [largest(gap, MOST_LISTED) for _, gap in panels]
    height = BAR_HEIGHT * max(1, *map(len, listed)) + BAR_MARGIN
    figure = new_figure(height, BAR_WIDTH * len(panels))
    for axes, (title, gap), pairs in zip(
        figure.subplots(1, len(panels), squeeze=False).ravel(), panels, listed, strict=True
    ):
        values = [100 * gap[pair] for pair in pairs]
        colors = [LEADER if value > 0 else OTHER for value in values]
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


def reading_help(study: Study) -> str:
    """Say how the figure is read: few classes are a matrix, many a list."""
    if len(study.class_names) > MOST_IN_MATRIX:
        return f"The {MOST_LISTED} mistakes that differ most; all others differ less."
    return "Blue on the diagonal is more right answers, blue beside it more mistakes."


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
