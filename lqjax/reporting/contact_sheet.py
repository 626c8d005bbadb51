"""One picture under many conditions: degradations in rows, levels in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from lqjax.reporting.formatting import shorten
from lqjax.reporting.gallery_figure import LABEL_MARGIN, mosaic, text_width
from lqjax.reporting.style import SMALL, new_figure

CELL = 1.25
"""Width of a picture in inches."""

CAPTION_HEIGHT = 0.3
GAP_SHARE = 0.04
LONGEST_LABEL = 64
CLEAN = "clean"


@dataclass(frozen=True)
class Shown:
    """A degraded picture with its place.

    Attributes:
      image: uint8, (height, width, 1 or 3).
      row: name of the degradation; pictures of one row stand side by side.
      column: name of the level.
    """

    image: np.ndarray
    row: str
    column: str


def contact_sheet(clean: np.ndarray, shown: Sequence[Shown]) -> Figure:
    """Draw the clean picture and its degraded forms.

    Args:
      clean: uint8, (height, width, 1 or 3); stands first in every row.
      shown: in the order of the rows; all pictures have the size of `clean`.
    """
    rows = list(dict.fromkeys(picture.row for picture in shown))
    members = {row: [picture for picture in shown if picture.row == row] for row in rows}
    columns = 1 + max(map(len, members.values()))
    headings = {tuple(p.column for p in pictures) for pictures in members.values()}
    blank = np.full_like(clean, 255)
    cells = np.stack(
        [
            np.stack(([clean, *(p.image for p in members[row])] + [blank] * columns)[:columns])
            for row in rows
        ]
    )
    gap = max(1, round(GAP_SHARE * clean.shape[1]))
    if len(headings) == 1:
        titles = [CLEAN, *(p.column for p in members[rows[0]])]
        labels = rows
    else:
        titles = [CLEAN, *[""] * (columns - 1)]
        labels = [f"{row}: {', '.join(p.column for p in members[row])}" for row in rows]
    return _draw(mosaic(cells, gap), [shorten(label, LONGEST_LABEL) for label in labels], titles)


def _draw(canvas: np.ndarray, labels: list[str], titles: list[str]) -> Figure:
    rows, columns = len(labels), len(titles)
    inches = CELL * columns
    tall = inches * canvas.shape[0] / canvas.shape[1]
    left = max(map(text_width, labels)) + LABEL_MARGIN
    figure_width = left + inches + LABEL_MARGIN
    figure_height = CAPTION_HEIGHT + tall + LABEL_MARGIN
    figure = new_figure(figure_height, figure_width, layout=None)
    axes = figure.add_axes(
        (
            left / figure_width,
            LABEL_MARGIN / figure_height,
            inches / figure_width,
            tall / figure_height,
        )
    )
    axes.imshow(canvas, interpolation="antialiased", aspect="auto")
    axes.set_xticks((np.arange(columns) + 0.5) * canvas.shape[1] / columns, titles)
    axes.set_yticks((np.arange(rows) + 0.5) * canvas.shape[0] / rows, labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=SMALL)
    axes.set_frame_on(False)
    axes.grid(visible=False)
    return figure
