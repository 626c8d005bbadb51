"""Confusion matrices: clean, and the condition that is hardest for each model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lqjax.reporting.conditions import Condition
from lqjax.reporting.formatting import shorten
from lqjax.reporting.study import Study
from lqjax.reporting.style import FONT_SIZE, SMALL, new_figure

MOST_NUMBERED = 12
MOST_LABELLED = 20
LONGEST_NAME = 12
UPRIGHT_CHARACTERS = 30
"""Names of the predicted classes stand upright while all together are at most this long."""

PANEL_WIDTH, PANEL_HEIGHT = 4.8, 4.6
ROW_GAP = 0.06
DARK_FROM = 0.55
WHITE, BLACK, UNKNOWN = "#ffffff", "#000000", "#c9ced4"
SHADES = LinearSegmentedColormap.from_list(
    "shades", ["#f4f8fb", "#9ecae1", "#3182bd", "#08305e"]
).with_extremes(bad=UNKNOWN)


def confusion_figure(study: Study) -> Figure | None:
    """Draw shares of each true class; `None` where no condition is finished by a model."""
    panels = [(model, c) for model in study.models for c in hardest_and_clean(study, model)]
    if not panels:
        return None
    columns = max(len(hardest_and_clean(study, model)) for model in study.models)
    figure = new_figure(PANEL_HEIGHT * len(study.models), PANEL_WIDTH * columns)
    figure.get_layout_engine().set(hspace=ROW_GAP)  # type: ignore[union-attr,call-arg]
    grid = figure.subplots(len(study.models), columns, squeeze=False)
    for row, model in zip(grid, study.models, strict=True):
        found = hardest_and_clean(study, model)
        for axes, condition in zip(row, found, strict=False):
            _draw(axes, _shares(study, model, condition), study.class_names)
            axes.set_title(f"{shorten(model, 24)}: {shorten(condition.short, 28)}")
        for axes in row[len(found) :]:
            axes.set_axis_off()
    return figure


def hardest_and_clean(study: Study, model: str) -> list[Condition]:
    """Return clean and the degraded condition of lowest accuracy, as far as finished."""
    done = [c for c in study.conditions if study.finished(model, c)]
    degraded = [c for c in done if c.degraded]
    hardest = min(degraded, key=lambda c: study.correct(model, c).mean(), default=None)
    return [c for c in done if not c.degraded] + ([hardest] if hardest else [])


def _shares(study: Study, model: str, condition: Condition) -> np.ndarray:
    """Return the share of each true class by predicted class; NaN for a class without images."""
    counts = study.confusion(model, condition)
    totals = np.sum(counts, axis=1, keepdims=True).astype(float)
    totals[totals == 0] = np.nan
    return counts / totals


def _draw(axes: Axes, shares: np.ndarray, names: Sequence[str]) -> None:
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1, interpolation="antialiased")
    label_classes(axes, names)
    if len(names) <= MOST_NUMBERED:
        _number(axes, shares)


def label_classes(axes: Axes, names: Sequence[str]) -> None:
    """Name true classes beside and predicted classes below a matrix, where there is room."""
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(names) > MOST_LABELLED:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    short = [shorten(name, LONGEST_NAME) for name in names]
    upright = max(map(len, short)) * len(short) <= UPRIGHT_CHARACTERS
    axes.set_xticks(range(len(names)), short, rotation=0 if upright else 90)
    axes.set_yticks(range(len(names)), short)


def _number(axes: Axes, shares: np.ndarray) -> None:
    """Write shares of at least half a percent into the cells, in whole percent."""
    size = SMALL if len(shares) > 3 else FONT_SIZE
    for (i, j), share in np.ndenumerate(shares):
        if share >= 0.005:
            color = WHITE if share > DARK_FROM else BLACK
            axes.text(j, i, f"{100 * share:.0f}", ha="center", va="center", color=color, size=size)
