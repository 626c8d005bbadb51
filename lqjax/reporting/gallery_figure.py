"""The same few images under every condition."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from lqjax.reporting.formatting import shorten
from lqjax.reporting.pictures import Gallery
from lqjax.reporting.style import SMALL, new_figure

MOST_EXAMPLES = 6
MOST_CONDITIONS = 60
CELL = 0.8
"""Width of an image in inches."""

LABEL_MARGIN = 0.1
POINTS_AN_INCH = 72
CAPTION_HEIGHT = 0.3
GAP_SHARE = 0.06
NUMBERS_HEIGHT = 0.16
"""Room below a picture for its PSNR and SSIM, in inches."""

NUMBERS_SIZE = 7
LONGEST_CAPTION = 11
LONGEST_LABEL = 48
OPAQUE = 255


def gallery_figure(gallery: Gallery) -> Figure:
    """Draw conditions in rows and examples in columns, all at the size the networks see."""
    images = gallery.images[:MOST_CONDITIONS, :MOST_EXAMPLES]
    conditions, examples, height, width = images.shape[:4]
    gap = max(1, round(GAP_SHARE * width))
    numbers = _numbers(gallery)
    below = round(NUMBERS_HEIGHT * width / CELL) if numbers.size else 0
    labels = [shorten(label, LONGEST_LABEL) for label in gallery.labels[:conditions]]
    canvas = mosaic(images, gap, gap + below)
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
    step = height + gap + below
    axes.set_yticks([i * step + height / 2 for i in range(conditions)], labels)
    for (i, j), text in np.ndenumerate(numbers[:conditions, :examples]):
        x, y = j * (width + gap) + width / 2, i * step + height + below / 2
        axes.text(x, y, text, ha="center", va="center", size=NUMBERS_SIZE)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=SMALL)
    axes.set_frame_on(False)
    axes.grid(visible=False)
    return figure


def _numbers(gallery: Gallery) -> np.ndarray:
    """Write PSNR and SSIM of each picture; an empty array where they were not measured."""
    if gallery.psnr is None or gallery.ssim is None:
        return np.empty((0, 0), dtype=object)
    texts = np.full(gallery.psnr.shape, "", dtype=object)
    for place, psnr in np.ndenumerate(gallery.psnr):
        ssim = gallery.ssim[place]
        parts = [f"{psnr:.1f} dB", f"{ssim:.2f}" if np.isfinite(ssim) else ""]
        texts[place] = ", ".join(filter(None, parts)) if np.isfinite(psnr) else "unchanged"
    return texts


def text_width(text: str, size: float = SMALL) -> float:
    """Measure a label in inches; its size is in points."""
    outline = TextPath((0, 0), text or " ", size=size)
    return float(outline.get_extents().width) / POINTS_AN_INCH


def mosaic(images: np.ndarray, gap: int, row_gap: int | None = None) -> np.ndarray:
    """Lay images out on one RGBA canvas, transparent between them.

    Args:
      images: uint8, (rows, columns, height, width, 1 or 3).
      gap: pixels between images.
      row_gap: pixels below each row, the last one included; `gap` between rows if left out.
    """
    rows, columns, height, width, channels = images.shape
    tall = rows * (height + gap) - gap if row_gap is None else rows * (height + row_gap)
    step = height + (gap if row_gap is None else row_gap)
    canvas = np.zeros((tall, columns * (width + gap) - gap, 4), dtype=np.uint8)
    color = images if channels == 3 else np.repeat(images[..., :1], 3, axis=-1)
    for i in range(rows):
        for j in range(columns):
            top, left = i * step, j * (width + gap)
            canvas[top : top + height, left : left + width, :3] = color[i, j]
            canvas[top : top + height, left : left + width, 3] = OPAQUE
    return canvas
