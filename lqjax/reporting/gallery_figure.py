"""The same few images under every condition."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from lqjax.reporting.formatting import shorten
from lqjax.reporting.study import Gallery
from lqjax.reporting.style import SMALL, new_figure

MOST_EXAMPLES = 6
MOST_CONDITIONS = 60
CELL = 0.8
"""Width of an image in inches."""

LABEL_MARGIN = 0.1
POINTS_AN_INCH = 72
CAPTION_HEIGHT = 0.3
GAP_SHARE = 0.06
LONGEST_CAPTION = 11
LONGEST_LABEL = 48
OPAQUE = 255


def gallery_figure(gallery: Gallery) -> Figure:
    """Draw conditions in rows and examples in columns, all at the size the networks see."""
    images = gallery.images[:MOST_CONDITIONS, :MOST_EXAMPLES]
    conditions, examples, height, width = images.shape[:4]
    gap = max(1, round(GAP_SHARE * width))
    labels = [shorten(label, LONGEST_LABEL) for label in gallery.labels[:conditions]]
    canvas = mosaic(images, gap)
    scale = CELL / width
    left = max(map(text_width, labels)) + LABEL_MARGIN
    figure_width = left + scale * canvas.shape[1]
    figure_height = CAPTION_HEIGHT + scale * canvas.shape[0]
    figure = new_figure(figure_height, figure_width, layout=None)
    axes = figure.add_axes(
        (left / figure_width, 0, 1 - left / figure_width, 1 - CAPTION_HEIGHT / figure_height)
    )
    axes.imshow(canvas, interpolation="antialiased", aspect="auto")
    axes.set_xticks(
        [i * (width + gap) + width / 2 for i in range(examples)],
        [shorten(caption, LONGEST_CAPTION) for caption in gallery.captions[:examples]],
    )
    axes.set_yticks([i * (height + gap) + height / 2 for i in range(conditions)], labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=SMALL)
    axes.set_frame_on(False)
    axes.grid(visible=False)
    return figure


def text_width(text: str) -> float:
    """Measure a label in inches."""
    outline = TextPath((0, 0), text or " ", size=SMALL)
    return float(outline.get_extents().width) / POINTS_AN_INCH


def mosaic(images: np.ndarray, gap: int) -> np.ndarray:
    """Lay images out on one RGBA canvas, transparent between them.

    Args:
      images: uint8, (rows, columns, height, width, 1 or 3).
      gap: pixels between images.
    """
    rows, columns, height, width, channels = images.shape
    canvas = np.zeros(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, 4), dtype=np.uint8
    )
    color = images if channels == 3 else np.repeat(images[..., :1], 3, axis=-1)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (height + gap), j * (width + gap)
            canvas[top : top + height, left : left + width, :3] = color[i, j]
            canvas[top : top + height, left : left + width, 3] = OPAQUE
    return canvas
