"""How all figures look: type, palette, sizes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK = "#1c2530"
FAINT = "#8b95a1"
GRID = "#dfe3e8"
DARK_INK = "#e7ebf0"
DARK_FAINT = "#8f9aa8"
DARK_GRID = "#39424d"

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind readers. Source: Okabe and Ito 2008, "Color universal design"."""

DARK_PALETTE = ("#4ba3dc", "#f08a45", "#2fc296", "#e0a3c5", "#f2bd4b", "#8fd0f4")
"""The same hues, lighter, for a dark page."""

MARKERS = "os^DvpX"
"""One more than colours, so that model 7 does not look like model 1."""

LINES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (2, 1)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2)),
    (0, (9, 2)),
    (0, (3, 1, 1, 1)),
)
"""Dashes in line widths. As many as markers: curves are told apart without colour."""

WIDTH = 10.5
LEGEND_COLUMNS = 6
LEGEND_DASHES = 2.8
"""Length of a line in a legend, in font sizes: long enough to show its dashes."""

LEGEND_PAD, LEGEND_GAP = 0.6, 1.4
"""From the line to its text, and from there to the next entry, in font sizes."""

DPI = 120
FONT_SIZE = 10.5
SMALL = 9.5

SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": FONT_SIZE,
    "legend.frameon": False,
    "legend.handlelength": LEGEND_DASHES,
    "legend.handletextpad": LEGEND_PAD,
    "legend.columnspacing": LEGEND_GAP,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "lqjax",
    "text.parse_math": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw with the report's settings, and leave the caller's untouched."""
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # A class named in a script that the font lacks is drawn as boxes; the tables have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_figure(
    height: float, width: float = WIDTH, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Make a figure of so many inches without any window or global state."""
    return Figure(figsize=(width, height), layout=layout)


def model_colors(models: Sequence[str]) -> dict[str, str]:
    """Give each model its colour; they come round again after the last."""
    return {model: PALETTE[i % len(PALETTE)] for i, model in enumerate(models)}


def pair_colors(models: Sequence[str], first: str, second: str) -> tuple[str, str]:
    """Give the colours of two models; of those that share one, the first two of the palette."""
    colors = model_colors(models)
    pair = (colors[first], colors[second])
    return pair if pair[0] != pair[1] else (PALETTE[0], PALETTE[1])


def model_markers(models: Sequence[str]) -> dict[str, str]:
    """Give each model its marker, so that black-and-white prints can be read."""
    return {model: MARKERS[i % len(MARKERS)] for i, model in enumerate(models)}


@dataclass(frozen=True)
class Look:
    """How the curve of a model is drawn."""

    color: str
    marker: str
    line: Any

    def key(self, label: str) -> Line2D:
        """Make the model's entry in a legend."""
        return Line2D([], [], color=self.color, marker=self.marker, linestyle=self.line,
                      label=label)  # fmt: skip


def model_looks(models: Sequence[str]) -> dict[str, Look]:
    """Give each model its colour, its marker and the dashes of its curve."""
    colors, markers = model_colors(models), model_markers(models)
    return {m: Look(colors[m], markers[m], LINES[i % len(LINES)]) for i, m in enumerate(models)}
