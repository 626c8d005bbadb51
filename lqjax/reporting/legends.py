"""A legend above all plots of a figure, in as few lines as its width allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lqjax.reporting.formatting import shorten_middle
from lqjax.reporting.gallery_figure import POINTS_AN_INCH, text_width
from lqjax.reporting.style import (
    FONT_SIZE,
    LEGEND_COLUMNS,
    LEGEND_DASHES,
    LEGEND_GAP,
    LEGEND_PAD,
)

AROUND = LEGEND_DASHES + LEGEND_PAD + LEGEND_GAP
"""What an entry takes beside its text, in font sizes."""

BESIDE = AROUND * FONT_SIZE / POINTS_AN_INCH
"""The same in inches."""

HINTED = 1.06
"""How much wider, at most, a text is drawn on pixels than its outline is."""

SHORTEST = 12
"""Characters of a name that are left in any case."""


LINES_ALLOWED = 2
"""Lines of a legend that the heights of figures leave room for."""

LINE_INCHES = 1.5 * FONT_SIZE / POINTS_AN_INCH
"""A line of a legend, with what lies between two."""


def draw_legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Put the legend of labelled artists above the plots, no wider than the figure.

    The figure grows by what a legend of many lines needs; names wider than it are cut.
    """
    width = figure.get_figwidth()
    labels = [fitted(str(handle.get_label()), width) for handle in handles]
    columns = legend_columns(labels, width)
    lines = -(-len(labels) // columns)
    more = max(0, lines - LINES_ALLOWED) * LINE_INCHES
    figure.set_figheight(figure.get_figheight() + more)
    figure.legend(list(handles), labels, loc="outside upper left", ncols=columns)


def fitted(label: str, width: float) -> str:
    """Cut a label in its middle until its entry is no wider than a width in inches."""
    free, cut = (width - BESIDE) / HINTED, label
    while len(cut) > SHORTEST and (wide := text_width(cut, FONT_SIZE)) > free:
        length = min(len(cut) - 1, int(len(cut) * free / wide))
        cut = shorten_middle(label, max(SHORTEST, length))
    return cut


def legend_columns(labels: Sequence[str], width: float) -> int:
    """Return how many columns of a legend fit into a width in inches, its lines equally long."""
    widths = [text_width(label, FONT_SIZE) + BESIDE for label in labels]
    for columns in range(min(len(labels), LEGEND_COLUMNS), 1, -1):
        # Matplotlib fills column after column.
        if sum(max(part) for part in np.array_split(widths, columns)) <= width:
            lines = -(-len(labels) // columns)
            return -(-len(labels) // lines)
    return 1
