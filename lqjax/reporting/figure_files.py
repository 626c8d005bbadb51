"""Writing a figure as PNG and as SVG that follows the reader's light or dark page."""

from __future__ import annotations

import io
from dataclasses import dataclass

from etils import epath
from matplotlib.figure import Figure

from lqjax.reporting.style import (
    DARK_FAINT,
    DARK_GRID,
    DARK_INK,
    DARK_PALETTE,
    DPI,
    FAINT,
    GRID,
    INK,
    PALETTE,
)
from lqjax.rows import replace_bytes, replace_text

PAGE = "#ffffff"
DARK_COLORS = {INK: DARK_INK, FAINT: DARK_FAINT, GRID: DARK_GRID} | dict(
    zip(PALETTE, DARK_PALETTE, strict=True)
)


@dataclass(frozen=True)
class SavedFigure:
    """A figure as it was written.

    Attributes:
      name: file name without ending.
      svg: content of the SVG file.
      width: natural width in CSS pixels.
    """

    name: str
    svg: str
    width: int


def save_figure(figure: Figure, folder: epath.Path, name: str) -> SavedFigure:
    """Write `folder/name.png` (white ground) and `folder/name.svg` (no ground)."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", dpi=SVG_DPI, metadata={"Date": None, "Creator": None})
    svg = follow_page_colors(drawn.getvalue())
    replace_text(folder / f"{name}.svg", svg)
    figure.set_layout_engine("none")
    pixels = io.BytesIO()
    figure.savefig(pixels, format="png", dpi=DPI, facecolor=PAGE)
    replace_bytes(folder / f"{name}.png", pixels.getvalue())
    return SavedFigure(name, svg, round(figure.get_figwidth() * CSS_PIXELS_AN_INCH))


def remove_figure(folder: epath.Path, name: str) -> None:
    """Remove the files that `save_figure` wrote, if they are there."""
    for ending in ENDINGS:
        (folder / f"{name}.{ending}").unlink(missing_ok=True)


ENDINGS = ("svg", "png")
CSS_PIXELS_AN_INCH = 96
SVG_DPI = 2 * CSS_PIXELS_AN_INCH
"""Of pictures inside: sharp on a screen with two pixels to a CSS pixel."""


def follow_page_colors(svg: str) -> str:
    """Add a style that turns ink, grid and palette light where the page is dark."""
    rules = [
        f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}'
        for light, dark in DARK_COLORS.items()
        for kind in ("fill", "stroke")
    ]
    style = f"<style>@media (prefers-color-scheme:dark){{{''.join(rules)}}}</style>"
    start = svg.index(">", svg.index("<svg ")) + 1
    return svg[:start] + style + svg[start:]
