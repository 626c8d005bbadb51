"""A curve of accuracies with its confidence band."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from lqjax.metrics.interval import Estimate

FILLED, EDGED = 0.15, 0.45
"""Opacity of a band and of its edges: where bands lie over each other, each can be followed."""

EDGE = 0.7
"""Width of the edges in points."""

BAR, CAP = 1.2, 2.5
"""Width and cap of the bar of an interval that stands alone, in points."""


def draw_band(
    axes: Axes, places: Sequence[float], intervals: Sequence[Estimate], color: str
) -> None:
    """Shade what lies between the ends of the intervals, in %.

    An interval without a neighbour would be a band of no width: it becomes a bar.
    """
    if len(places) == 1:
        value, low, high = (100 * end for end in intervals[0])
        axes.errorbar(places, [value], yerr=[[value - low], [high - value]], color=color,
                      elinewidth=BAR, capsize=CAP, linestyle="")  # fmt: skip
        return
    axes.fill_between(
        places,
        [100 * interval.low for interval in intervals],
        [100 * interval.high for interval in intervals],
        facecolor=(color, FILLED),
        edgecolor=(color, EDGED),
        linewidth=EDGE,
    )
