"""Which pictures are beyond the thresholds, the worst first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from lqjax.auditing.table import AuditTable
from lqjax.config import AuditConfig

SIZE = "size"
"""Root of the area of a picture in pixels: not measured, but computed from width and height."""

QUARTILES = (25, 75)


@dataclass(frozen=True)
class Rule:
    """What a flag means.

    Attributes:
      flag: one of `lqjax.config.AUDIT_FLAGS`.
      measure: column of the table, or `SIZE`.
      low, high: values below or above are flagged; infinite where there is no such bound.
      setting: what changes the threshold.
    """

    flag: str
    measure: str
    setting: str
    low: float = -math.inf
    high: float = math.inf

    def excess(self, values: Float[np.ndarray, " pictures"]) -> Float[np.ndarray, " pictures"]:
        """Tell how far values are beyond a bound; not positive inside, NaN where not measured."""
        return np.maximum(self.low - values, values - self.high)


@dataclass(frozen=True)
class Flagged:
    """The pictures that a rule flags.

    Attributes:
      rule: the rule.
      rows: of the table, the worst first.
      measured: how many pictures have the measure at all.
    """

    rule: Rule
    rows: np.ndarray
    measured: int


def values_of(table: AuditTable, measure: str) -> Float[np.ndarray, " pictures"]:
    """Return a measure of all pictures; NaN throughout where the table does not have it."""
    if measure == SIZE:
        return np.sqrt(values_of(table, "width") * values_of(table, "height"))
    if measure in table.measures:
        return np.asarray(table.measures[measure], np.float64)
    return np.full(len(table), np.nan)


def rules(table: AuditTable, settings: AuditConfig) -> tuple[Rule, ...]:
    """Return the rules of all flags that go by a single measure."""
    low, high = usual_sizes(values_of(table, SIZE), settings.size_spread)
    return (
        Rule("blurry", "sharpness", "sharpness_below", low=settings.sharpness_below),
        Rule("out_of_focus", "input_blur_sigma", "blur_above", high=settings.blur_above),
        Rule("dark", "dark_level", "dark_level_below", low=settings.dark_level_below),
        Rule("over_exposed", "bright_level", "bright_level_above",
             high=settings.bright_level_above),
        Rule("low_contrast", "contrast", "contrast_below", low=settings.contrast_below),
        Rule("low_information", "entropy", "entropy_below", low=settings.entropy_below),
        Rule("odd_size", SIZE, "size_spread", low=low, high=high),
        Rule("odd_aspect", "aspect", "aspect_below", low=settings.aspect_below),
        Rule("noisy", "noise_sigma", "noise_above", high=settings.noise_above),
        Rule("compressed", "jpeg_quality", "jpeg_quality_below", low=settings.jpeg_quality_below),
        Rule("blocky", "blockiness", "blockiness_above", high=settings.blockiness_above),
    )  # fmt: skip


def usual_sizes(sizes: Float[np.ndarray, " pictures"], spread: float) -> tuple[float, float]:
    """Return the bounds outside which a size is odd: so many interquartile ranges off the middle.

    Source: Tukey 1977, "Exploratory data analysis"; cleanvision 0.3, `SizeProperty`.
    """
    known = sizes[np.isfinite(sizes)]
    if not known.size:
        return -math.inf, math.inf
    first, third = (float(quartile) for quartile in np.percentile(known, QUARTILES))
    return first - spread * (third - first), third + spread * (third - first)


def flagged_by(rule: Rule, table: AuditTable) -> Flagged:
    """Find the pictures that a rule flags."""
    values = values_of(table, rule.measure)
    excess = rule.excess(values)
    rows = np.flatnonzero(excess > 0)  # NaN is not
    order = np.argsort(-excess[rows], kind="stable")
    return Flagged(rule, rows[order], int(np.isfinite(values).sum()))


def flag_names(count: int, found: Sequence[tuple[str, np.ndarray]]) -> list[tuple[str, ...]]:
    """Return the names of the flags of every picture.

    Args:
      count: pictures.
      found: flags with the rows that they hold of, in the order in which they are named.
    """
    names: list[list[str]] = [[] for _ in range(count)]
    for flag, rows in found:
        for row in rows.tolist():
            names[row].append(flag)
    return [tuple(of_picture) for of_picture in names]


def mask(count: int, rows: np.ndarray) -> Bool[np.ndarray, " pictures"]:
    """Turn row numbers into true and false by row."""
    chosen = np.zeros(count, bool)
    chosen[rows] = True
    return chosen
