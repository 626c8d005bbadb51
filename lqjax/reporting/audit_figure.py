"""How a measure is spread over the pictures, with the thresholds of its flag."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lqjax.auditing.flags import Rule
from lqjax.reporting.audit_values import UNITS, brief_number, name_of, with_unit
from lqjax.reporting.formatting import plural
from lqjax.reporting.style import INK, PALETTE, new_figure

BARS = 60
HEIGHT = 1.7
"""Inches."""

TAILS = (0.2, 99.8)
"""Percentiles that are shown; a threshold is shown in any case."""

ENDS = (5, 50, 95)


def spread_figure(values: np.ndarray, rule: Rule) -> Figure | None:
    """Draw a histogram, flagged bars in another colour.

    `None` where nothing was measured, and where all have one value and no flag.
    """
    known = values[np.isfinite(values)]
    if not known.size or (not np.ptp(known) and not (rule.excess(known) > 0).any()):
        return None
    low, high = _range(known, rule)
    beyond = rule.excess(known) > 0
    counts = [
        np.histogram(np.clip(known[chosen], low, high), bins=BARS, range=(low, high))[0]
        for chosen in (~beyond, beyond)
    ]
    edges = np.linspace(low, high, BARS + 1)
    figure = new_figure(HEIGHT)
    axes = figure.subplots()
    for bars, floor, color in zip(counts, (np.zeros(BARS), counts[0]), PALETTE[:2], strict=True):
        axes.bar(edges[:-1], bars, np.diff(edges), bottom=floor, align="edge", color=color)
    for bound in (rule.low, rule.high):
        if np.isfinite(bound) and low <= bound <= high:
            axes.axvline(bound, color=INK, linestyle="--", linewidth=1)
    axes.set_xlim(low, high)
    unit = UNITS.get(rule.measure, "")
    axes.set_xlabel(f"{name_of(rule.measure)}, {unit}" if unit else name_of(rule.measure))
    axes.set_ylabel("pictures")
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.grid(visible=False, axis="x")
    return figure


def spread_in_words(values: np.ndarray, rule: Rule) -> str:
    """Say what the histogram shows to those who cannot see it."""
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, ENDS)
    flagged = int((rule.excess(known) > 0).sum())
    first, last = _range(known, rule)
    cut = " The bars at the ends have what lies farther out." if (
        known.min() < first or known.max() > last
    ) else ""  # fmt: skip
    return (
        f"Histogram of {name_of(rule.measure)} over {plural(len(known), 'picture')}: median"
        f" {with_unit(rule.measure, middle)}, 5th to 95th percentile {brief_number(low)} to"
        f" {with_unit(rule.measure, high)}; {f'{flagged:,}' if flagged else 'none'} beyond the"
        f" threshold.{cut}"
    )


def _range(known: np.ndarray, rule: Rule) -> tuple[float, float]:
    ends = [float(end) for end in np.percentile(known, TAILS)]
    flagged = rule.excess(known) > 0
    bounds = [b for b in (rule.low, rule.high) if np.isfinite(b)]
    # Far thresholds that nothing comes near would squeeze the rest together.
    near = bounds if flagged.any() else []
    low, high = min([*ends, *near]), max([*ends, *near])
    margin = 0.02 * (high - low) or max(abs(high), 1.0) * 0.02
    return low - margin, high + margin
