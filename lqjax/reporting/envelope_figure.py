"""Accuracy against the physical severity, one small plot per ladder, with the crossings marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lqjax.metrics.coordinate import LOG
from lqjax.metrics.envelope import Envelope
from lqjax.metrics.ladder import number_text
from lqjax.reporting.bands import draw_band
from lqjax.reporting.envelope_words import points_lost
from lqjax.reporting.envelopes import Envelopes, LadderEnvelopes, ModelEnvelope
from lqjax.reporting.formatting import shorten
from lqjax.reporting.legends import draw_legend
from lqjax.reporting.study import Study
from lqjax.reporting.style import (
    FAINT,
    INK,
    SMALL,
    WIDTH,
    Look,
    model_looks,
    new_figure,
)
from lqjax.textlists import enumeration

ENVELOPE = "envelope"
CAPTION = (
    "Accuracy against severity, which rises to the right. Small markers are measured, bands their"
    " 95 % intervals; lines fall through them as nearly as they can. Hollow markers are where each"
    " model meets its limits, with a bar as wide as the interval."
)
COLUMNS = 2
PLOT_HEIGHT = 2.9
LEGEND_HEIGHT = 0.5
LONGEST_TITLE = 60
CURVE_WIDTH = 1.6
LEVEL_SIZE, CROSSING_SIZE = 3.5, 7.5
CROSSING_WIDTH = 1.6
DROP_MARKER, FLOOR_MARKER = "D", "o"
FLOOR_LINE: dict[str, Any] = {"color": FAINT, "linestyle": ":", "linewidth": 1.5}
MOST_TICKS = 8
STEPS = (1, 2, 2.5, 5, 10)
LOG_TICKS = (1, 2, 5)
ROOM, ROOM_ABOVE = 0.04, 4.0
"""Free space left and right, as a share of the axis, and above, in points of accuracy."""

LEAST_RANGE = 20.0
"""Points of accuracy that the axis shows at least."""


def envelope_figure(study: Study, envelopes: Envelopes | None) -> Figure | None:
    """Draw every ladder that a model finished; `None` if there is none."""
    ladders = [found for found in envelopes.ladders if found.models] if envelopes else []
    if envelopes is None or not ladders:
        return None
    columns = min(COLUMNS, len(ladders))
    rows = -(-len(ladders) // columns)
    figure = new_figure(PLOT_HEIGHT * rows + LEGEND_HEIGHT, WIDTH if columns > 1 else WIDTH / 1.5)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, found in zip(grid, ladders, strict=False):
        _draw_ladder(axes, study, envelopes, found)
    for axes in grid[len(ladders) :]:
        axes.set_axis_off()
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy, %")
    lowest = min(e.low for found in ladders for m in found.models for e in m.accuracy)
    grid[0].set_ylim(max(0.0, min(100 * lowest - ROOM_ABOVE, 100 - LEAST_RANGE)), 100 + ROOM_ABOVE)
    draw_legend(figure, _keys(study, envelopes, ladders))
    return figure


def _keys(study: Study, envelopes: Envelopes, ladders: Sequence[LadderEnvelopes]) -> list[Line2D]:
    """Return the legend: the models that are drawn, the floor, and the two kinds of crossing."""
    drawn = {model.model for found in ladders for model in found.models}
    keys = [look.key(model) for model, look in model_looks(study.models).items() if model in drawn]
    if envelopes.floor:
        keys.append(Line2D([], [], **FLOOR_LINE, label=f"floor of {100 * envelopes.floor:g} %"))
        keys.append(_crossing_key(FLOOR_MARKER, "at the floor"))
    lost = f"{points_lost(envelopes.drop)} below clean images"
    return [*keys, _crossing_key(DROP_MARKER, lost)]


def _crossing_key(marker: str, label: str) -> Line2D:
    return Line2D([], [], color=INK, marker=marker, linestyle="", markerfacecolor="none",
                  markersize=CROSSING_SIZE, markeredgewidth=CROSSING_WIDTH,
                  label=label)  # fmt: skip


def envelopes_in_words(study: Study, envelopes: Envelopes | None) -> str:
    """Say what the figure shows to those who cannot see it."""
    titles = [found.ladder.title for found in envelopes.ladders] if envelopes else []
    return (
        f"Accuracy of {enumeration(study.models)} against the severity of {enumeration(titles)};"
        " the sentences above and the table below say where each meets its limits."
    )


def _draw_ladder(axes: Axes, study: Study, envelopes: Envelopes, found: LadderEnvelopes) -> None:
    ladder = found.ladder
    looks = model_looks(study.models)
    if envelopes.floor:
        axes.axhline(100 * envelopes.floor, **FLOOR_LINE)
    for model in found.models:
        _draw_model(axes, ladder.levels, model, looks[model.model])
    for model in found.models:
        _mark(axes, model.drop, looks[model.model].color, DROP_MARKER)
        _mark(axes, model.floor, looks[model.model].color, FLOOR_MARKER)
    _severity_axis(axes, found, found.models[0].drop.ladder.axis == LOG)
    axes.set_title(shorten(ladder.title, LONGEST_TITLE))


def _draw_model(axes: Axes, levels: tuple[float, ...], model: ModelEnvelope, look: Look) -> None:
    """Draw the measured points, the falling curve through them, and their intervals."""
    draw_band(axes, levels, model.accuracy, look.color)
    axes.plot(levels, [100 * share for share in model.curve], color=look.color,
              linewidth=CURVE_WIDTH, linestyle=look.line)  # fmt: skip
    axes.plot(
        levels,
        [100 * e.value for e in model.accuracy],
        color=look.color,
        marker=look.marker,
        markersize=LEVEL_SIZE,
        linestyle="",
    )


def _mark(axes: Axes, envelope: Envelope | None, color: str, marker: str) -> None:
    """Mark a crossing: a hollow marker where it is, a bar as wide as its interval."""
    if envelope is None or envelope.found.level is None:
        return
    height, levels = 100 * envelope.limit, envelope.ladder.levels
    if envelope.mildest is not None and envelope.strongest is not None:
        ends = [
            open_end if end.level is None else end.level
            for end, open_end in (
                (envelope.mildest, levels[0]),
                (envelope.strongest, levels[-1]),
            )
        ]
        axes.plot(ends, [height, height], color=color, linewidth=CROSSING_WIDTH, marker="|",
                  markersize=CROSSING_SIZE, markeredgewidth=CROSSING_WIDTH)  # fmt: skip
    axes.plot([envelope.found.level], [height], color=color, marker=marker, markerfacecolor="none",
              markersize=CROSSING_SIZE, markeredgewidth=CROSSING_WIDTH, linestyle="")  # fmt: skip


def _severity_axis(axes: Axes, found: LadderEnvelopes, logarithmic: bool) -> None:
    """Let severity rise to the right, whichever way its number goes."""
    ladder = found.ladder
    first, last = ladder.levels[0], ladder.levels[-1]
    if logarithmic:
        axes.set_xscale("log")
        room = (last / first) ** ROOM
        axes.set_xlim(first / room, last * room)
        axes.xaxis.set_major_locator(LogLocator(subs=LOG_TICKS))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(axis="x", which="minor", length=0)
    else:
        room = ROOM * (last - first)
        axes.set_xlim(first - room, last + room)
        axes.xaxis.set_major_locator(MaxNLocator(MOST_TICKS, steps=STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
    unit = f", {ladder.unit}" if ladder.unit else ""
    axes.set_xlabel(f"{ladder.parameter.replace('_', ' ')}{unit}", color=INK)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
