"""Names written beside the points of a figure, where they cover nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from lqjax.reporting.style import SMALL

GAP = 7.0
"""Points between a marker and its name."""

HALF_MARKER = 4.0
"""Points; half of the square that is kept free around a marker."""

STEPS = (0.0, 14.0, 28.0)
"""Points by which a name is moved further out where the nearer places are taken."""

POINTS_AN_INCH = 72

Segment = tuple[tuple[float, float], tuple[float, float]]
"""Two ends, in data coordinates."""


@dataclass(frozen=True)
class Place:
    """Where a name stands beside its point: direction and alignment."""

    across: int
    up: int
    horizontal: Literal["left", "center", "right"]
    vertical: Literal["bottom", "center", "top"]

    def move(self, text: Annotation, further: float) -> None:
        """Put a name there, by so many points further up or down."""
        text.set_horizontalalignment(self.horizontal)
        text.set_verticalalignment(self.vertical)
        text.set_position((self.across * GAP, self.up * (GAP + further)))


PLACES = (
    Place(1, 0, "left", "center"),
    Place(-1, 0, "right", "center"),
    Place(1, 1, "left", "bottom"),
    Place(-1, 1, "right", "bottom"),
    Place(1, -1, "left", "top"),
    Place(-1, -1, "right", "top"),
    Place(0, 1, "center", "bottom"),
    Place(0, -1, "center", "top"),
)
"""The best first."""


def name_points(
    figure: Figure,
    axes: Axes,
    points: Mapping[str, tuple[float, float]],
    lines: Sequence[Segment] = (),
) -> None:
    """Write names beside points so that they overlap neither each other nor points and lines.

    Where there is no such place, the one that covers least is taken.

    Args:
      figure: laid out as it will be saved.
      points: name -> (x, y) in data coordinates.
      lines: what else to keep free: upright and level lines, from point to point.
    """
    renderer, scale = FigureCanvasAgg(figure).get_renderer(), figure.dpi / POINTS_AN_INCH
    figure.draw_without_rendering()
    frame = axes.get_window_extent(renderer)
    around = [((x, y), (x, y)) for x, y in points.values()]
    taken = [_around(axes, line, scale) for line in [*around, *lines]]
    for name, point in points.items():
        text = axes.annotate(name, point, (0, 0), textcoords="offset points", fontsize=SMALL)
        text.set_in_layout(False)

        def covered(choice: tuple[float, Place], text: Annotation = text) -> float:
            further, place = choice
            place.move(text, further)
            box = text.get_window_extent(renderer)
            outside = box.width * box.height - _overlap(box, frame)
            return outside + sum(_overlap(box, other) for other in taken)

        further, place = min(product(STEPS, PLACES), key=covered)
        place.move(text, further)
        taken.append(text.get_window_extent(renderer))


def _around(axes: Axes, line: Segment, scale: float) -> Bbox:
    ends = axes.transData.transform(line)
    free = HALF_MARKER * scale
    return Bbox([ends.min(axis=0) - free, ends.max(axis=0) + free])


def _overlap(box: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(box, other)
    return 0.0 if common is None else common.width * common.height
