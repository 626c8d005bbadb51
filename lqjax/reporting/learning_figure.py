"""Learning curves: accuracy and loss, training and validation."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lqjax.reporting.legends import draw_legend
from lqjax.reporting.study import Network, Study
from lqjax.reporting.style import INK, model_colors, model_markers, new_figure

HEIGHT = 3.4
FEW_EPOCHS = 20
MANY_RUNS = 0.55
ROOM = 0.5
HOLLOW: dict[str, Any] = {"linestyle": "--", "markerfacecolor": "none"}
"""Training is dashed with hollow markers, validation solid with filled ones."""


def learning_figure(study: Study) -> Figure | None:
    """Draw the epochs of all runs; `None` without a history."""
    trained = [network for network in study.all_networks if network.history]
    if not trained:
        return None
    figure = new_figure(HEIGHT)
    left, right = figure.subplots(1, 2)
    colors, markers = model_colors(study.models), model_markers(study.models)
    for network in trained:
        look = {
            "color": colors[network.model],
            "alpha": 1 if len(study.networks[network.model]) == 1 else MANY_RUNS,
            "marker": markers[network.model] if len(network.history) <= FEW_EPOCHS else "",
        }
        _draw(left, right, network, look)
    left.set_ylabel("accuracy, %")
    left.set_ylim(0, 104)
    right.set_ylabel("loss, nats")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(1 - ROOM, max(len(network.history) for network in trained) + ROOM)
    models = [model for model in study.models if any(n.model == model for n in trained)]
    handles = [Line2D([], [], color=colors[m], marker=markers[m], label=m) for m in models]
    handles += [
        Line2D([], [], color=INK, marker="o", label="training", **HOLLOW),
        Line2D([], [], color=INK, marker="o", label="validation"),
    ]
    draw_legend(figure, handles)
    return figure


def _draw(left: Axes, right: Axes, network: Network, look: dict) -> None:
    history = sorted(network.history, key=lambda epoch: epoch.epoch)
    epochs = [e.epoch for e in history]
    left.plot(epochs, [100 * e.train_accuracy for e in history], **HOLLOW, **look)
    left.plot(epochs, [100 * e.validation_accuracy for e in history], "-", **look)
    right.plot(epochs, [e.train_loss for e in history], **HOLLOW, **look)
    right.plot(epochs, [e.validation_loss for e in history], "-", **look)
