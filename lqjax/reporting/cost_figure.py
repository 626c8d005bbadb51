"""Robust accuracy against what it costs: latency, memory, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import DEGRADED_MEAN, Comparison
from lqjax.reporting.cost_summary import devices, measured_costs
from lqjax.reporting.formatting import percent, shorten_middle, si, significant
from lqjax.reporting.pareto import pareto_front
from lqjax.reporting.point_names import Segment, name_points
from lqjax.reporting.study import Study
from lqjax.reporting.style import FAINT, SMALL, model_colors, model_markers, new_figure
from lqjax.rows import Cost

HEIGHT = 3.6
PANEL_GAP = 0.05
MEBIBYTE = 2**20
ROOM = 2.2
"""Factor of free space left and right of the points on the logarithmic cost axis."""

LEAST_SPAN = 10.0
"""Points of accuracy that the axis shows at least, so that small gaps do not look large."""

MARGIN = 0.15
"""Share of the span that stays free above and below."""

LONGEST_NAME = 24
TICKS = (1, 2, 5)


@dataclass(frozen=True)
class Panel:
    """One cost: what it is called, how it is read off a record, how a tick of it is written.

    Attributes:
      by_device: whether it is a property of the device too, and not of the network alone.
    """

    title: str
    price: Callable[[Cost], float | None]
    tick: Callable[[float], str]
    by_device: bool = True


PANELS = (
    Panel("latency at batch 1, ms", lambda cost: cost.latency_ms, lambda x: significant(x, 1)),
    Panel("memory at batch 1, MiB", lambda cost: _mebibytes(cost), lambda x: significant(x, 1)),
    Panel("parameters", lambda cost: cost.parameters, lambda x: si(x, 1), by_device=False),
)


def cost_figure(study: Study, comparison: Comparison) -> Figure | None:
    """Draw accuracy against each cost that was measured; `None` where none was.

    Latency and memory are left out where they were measured on different devices.
    """
    worth = robust_accuracy(comparison)
    costs = {model: cost for model, cost in measured_costs(study).items() if model in worth}
    one = len(devices(study)) == 1
    panels = [
        panel
        for panel in PANELS
        if any(map(panel.price, costs.values())) and (one or not panel.by_device)
    ]
    if not panels:
        return None
    figure = new_figure(HEIGHT)
    figure.get_layout_engine().set(wspace=PANEL_GAP)  # type: ignore[union-attr,call-arg]
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    fronts = []
    for axes, panel in zip(row, panels, strict=True):
        fronts.append(_draw(axes, study, _prices(panel, costs), worth))
        axes.set_xlabel(panel.title)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _, tick=panel.tick: tick(x)))
    row[0].set_ylabel(f"accuracy, %\n({what_is_shown(comparison)})")
    row[0].set_ylim(*_limits([_in_percent(worth[m]) for m in costs]))
    for axes, panel, front in zip(row, panels, fronts, strict=True):
        prices = _prices(panel, costs)
        ends = {m: _in_percent(worth[m]) for m in prices}
        points = {shorten_middle(m, LONGEST_NAME): (prices[m], ends[m].value) for m in prices}
        bars = [((prices[m], e.low), (prices[m], e.high)) for m, e in ends.items()]
        name_points(figure, axes, points, [*bars, *front])
    return figure


def _prices(panel: Panel, costs: Mapping[str, Cost]) -> dict[str, float]:
    prices = {model: panel.price(cost) for model, cost in costs.items()}
    return {model: float(price) for model, price in prices.items() if price}


def _in_percent(estimate: Estimate) -> Estimate:
    return Estimate(*(100 * min(max(value, 0.0), 1.0) for value in estimate))


def robust_accuracy(comparison: Comparison) -> Mapping[str, Estimate]:
    """Return the mean over the degraded conditions, or where there is none accuracy on clean."""
    if comparison.mean or comparison.clean is None:
        return comparison.mean
    return {m: found for m, found in comparison.clean.accuracy.items() if found is not None}


def what_is_shown(comparison: Comparison) -> str:
    """Say which accuracy `robust_accuracy` is."""
    return DEGRADED_MEAN if comparison.mean else "clean images"


def costs_in_words(study: Study, comparison: Comparison) -> str:
    """Say accuracy, latency and size of each model to those who cannot see the figure."""
    accuracies = robust_accuracy(comparison)
    parts = [
        f"{model}: {percent(accuracies[model].value)} %, {significant(cost.latency_ms)} ms,"
        f" {si(cost.parameters)} parameters"
        for model, cost in measured_costs(study).items()
        if model in accuracies
    ]
    return f"Accuracy, {what_is_shown(comparison)}, with latency and size. {'; '.join(parts)}."


def _mebibytes(cost: Cost) -> float | None:
    return None if cost.memory_bytes is None else cost.memory_bytes / MEBIBYTE


def _draw(
    axes: Axes, study: Study, prices: Mapping[str, float], worth: Mapping[str, Estimate]
) -> list[Segment]:
    """Draw one panel; return the segments of its line, which names should not cover."""
    colors, markers = model_colors(study.models), model_markers(study.models)
    front = pareto_front({m: (price, worth[m].value) for m, price in prices.items()})
    line = [(prices[m], _in_percent(worth[m]).value) for m in front]
    axes.set_xscale("log")
    axes.set_xlim(min(prices.values()) / ROOM, max(prices.values()) * ROOM)
    # From each point on, its accuracy can be had for that cost: level up to the next, then up.
    ends = [*line, (max(prices.values()) * ROOM, line[-1][1])]
    corners = [(end[0], start[1]) for start, end in pairwise(ends)]
    path = [point for pair in zip_longest(ends, corners) for point in pair if point is not None]
    axes.plot(*zip(*path, strict=True), color=FAINT, linewidth=1.2, zorder=1)
    for model, price in prices.items():
        share, low, high = _in_percent(worth[model])
        axes.errorbar(
            [price],
            [share],
            yerr=[[share - low], [high - share]],
            color=colors[model],
            marker=markers[model],
            markerfacecolor=colors[model] if model in front else "none",
            capsize=2.5,
            elinewidth=1.2,
            linestyle="",
        )
    axes.xaxis.set_major_locator(LogLocator(subs=TICKS))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.tick_params(axis="x", labelsize=SMALL)
    return list(pairwise(path))


def _limits(estimates: list[Estimate]) -> tuple[float, float]:
    low, high = min(e.low for e in estimates), max(e.high for e in estimates)
    missing = max(LEAST_SPAN - (high - low), 0) / 2
    low, high = low - missing, high + missing
    free = MARGIN * (high - low)
    return max(low - free, -2.0), min(high + free, 102.0)
