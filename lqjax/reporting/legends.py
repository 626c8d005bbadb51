"""A legend above all plots of a figure, in as few lines as its width allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

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


def draw_legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Put the legend of labelled artists above the plots, no wider than the figure."""
    labels = [str(handle.get_label()) for handle in handles]
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles=list(handles), loc="outside upper left", ncols=columns)


def legend_columns(labels: Sequence[str], width: float) -> int:
    """Return how many columns of a legend fit into a width in inches, its lines equally long."""
    beside = AROUND * FONT_SIZE / POINTS_AN_INCH
    widths = [text_width(label, FONT_SIZE) + beside for label in labels]
    for columns in range(min(len(labels), LEGEND_COLUMNS), 1, -1):
        # Matplotlib fills column after column.
        if sum(max(part) for part in np.array_split(widths, columns)) <= width:
            lines = -(-len(labels) // columns)
            return -(-len(labels) // lines)
    return 1
