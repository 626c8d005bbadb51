"""Accuracy against what it costs."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.formatting import si, significant
from lqjax.reporting.study import Study
from lqjax.reporting.style import (
    INK,
    LEGEND_COLUMNS,
    SMALL,
    model_colors,
    model_markers,
    new_figure,
)
from lqjax.rows import Cost

HEIGHT = 3.4
ROOM = 2.0
"""Factor of free space left and right of the points on the logarithmic cost axis."""

TICKS = (1, 2, 5)


def cost_figure(study: Study, comparison: Comparison) -> Figure | None:
    """Draw accuracy against multiply-adds and latency; `None` where no cost was measured."""
    costs: dict[str, Cost] = {}
    for network in study.all_networks:
        if network.cost is not None:
            costs.setdefault(network.model, network.cost)
    if not costs:
        return None
    figure = new_figure(HEIGHT)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, study, comparison, costs, lambda cost: cost.multiply_adds)
    left.set_xlabel("multiply-adds per image")
    left.set_ylabel("accuracy, %")
    left.set_ylim(0, 104)
    _draw(right, study, comparison, costs, lambda cost: cost.latency_ms)
    right.set_xlabel("latency at batch 1, ms")
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: si(value, 1)))
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value, 1)))
    colors, markers = model_colors(study.models), model_markers(study.models)
    handles = [
        Line2D([], [], color=colors[m], marker=markers[m], linestyle="", label=m) for m in costs
    ]
    handles.append(_key("clean images", "none"))
    if comparison.mean:
        handles.append(_key("mean of the degraded", INK))
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(len(handles), LEGEND_COLUMNS)
    )
    return figure


def _key(label: str, fill: str) -> Line2D:
    return Line2D([], [], color=INK, marker="o", linestyle="", markerfacecolor=fill, label=label)


def _draw(
    axes: Axes,
    study: Study,
    comparison: Comparison,
    costs: dict[str, Cost],
    price: Callable[[Cost], float],
) -> None:
    colors, markers = model_colors(study.models), model_markers(study.models)
    for model, cost in costs.items():
        clean = comparison.clean.accuracy[model] if comparison.clean else None
        for estimate, fill in ((clean, "none"), (comparison.mean.get(model), colors[model])):
            if estimate is not None:
                _point(axes, price(cost), estimate, colors[model], markers[model], fill)
    values = [price(cost) for cost in costs.values()]
    axes.set_xscale("log")
    axes.set_xlim(min(values) / ROOM, max(values) * ROOM)
    axes.xaxis.set_major_locator(LogLocator(subs=TICKS))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.tick_params(axis="x", labelsize=SMALL)


def _point(axes: Axes, x: float, estimate: Estimate, color: str, marker: str, fill: str) -> None:
    share, low, high = (100 * value for value in estimate)
    axes.errorbar(
        [x],
        [share],
        yerr=[[share - low], [high - share]],
        color=color,
        marker=marker,
        markerfacecolor=fill,
        capsize=2.5,
        elinewidth=1.2,
        linestyle="",
    )
