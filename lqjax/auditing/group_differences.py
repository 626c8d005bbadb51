"""How differently the measures of groups of pictures are spread: of classes, of splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kruskal

from lqjax.metrics.multiplicity import holm

LEAST_IN_GROUP = 5
"""Values that a group needs: from there on the chi-squared approximation of the test is usable.

Source: Kruskal and Wallis 1952, "Use of ranks in one-criterion variance analysis"."""

QUARTILES = (25, 50, 75)


@dataclass(frozen=True)
class Difference:
    """One measure, compared between groups.

    Attributes:
      measure: its name.
      effect: share of the variance of the ranks that the groups explain, corrected for chance and
        not below 0: eta squared of the Kruskal-Wallis test. 0.01 is called small, 0.06 medium and
        0.14 large.
      p_value: of the Kruskal-Wallis test.
      adjusted: the same, adjusted by Holm for the number of measures.
      quartiles: first quartile, median and third quartile by group, (groups, 3); NaN for groups
        with fewer than `LEAST_IN_GROUP` values.
    """

    measure: str
    effect: float
    p_value: float
    adjusted: float
    quartiles: Float[np.ndarray, "groups 3"]

    @property
    def lowest(self) -> int:
        """Number of the group of the lowest median."""
        return int(np.nanargmin(self.quartiles[:, 1]))

    @property
    def highest(self) -> int:
        """Number of the group of the highest median."""
        return int(np.nanargmax(self.quartiles[:, 1]))


def differences(
    measures: Mapping[str, Float[np.ndarray, " pictures"]],
    groups: Int[np.ndarray, " pictures"],
    count: int,
) -> tuple[Difference, ...]:
    """Compare the measures between groups, the largest effect first.

    Measures that are the same everywhere, or that fewer than two groups have, are left out.

    Args:
      measures: by name; NaN where there is none.
      groups: number of the group of each picture, below `count`.

    Source: Kruskal and Wallis 1952; Tomczak and Tomczak 2014, "The need to report effect size
    estimates revisited" (eta squared from H); Cohen 1988 (small, medium, large); Holm 1979.
    """
    found = [
        difference
        for name, values in measures.items()
        if (difference := _compared(name, np.asarray(values, np.float64), groups, count))
    ]
    adjusted = holm(np.array([difference.p_value for difference in found]))
    found = [
        replace(difference, adjusted=float(p_value))
        for difference, p_value in zip(found, adjusted, strict=True)
    ]
    return tuple(sorted(found, key=lambda difference: -difference.effect))


def _compared(name: str, values: np.ndarray, groups: np.ndarray, count: int) -> Difference | None:
    samples = [values[(groups == group) & np.isfinite(values)] for group in range(count)]
    large = [sample for sample in samples if len(sample) >= LEAST_IN_GROUP]
    if len(large) < 2 or np.ptp(np.concatenate(large)) == 0:
        return None
    test = kruskal(*large)
    pictures = sum(map(len, large))
    effect = (test.statistic - len(large) + 1) / (pictures - len(large))
    quartiles = np.array(
        [
            np.percentile(sample, QUARTILES)
            if len(sample) >= LEAST_IN_GROUP
            else np.full(len(QUARTILES), np.nan)
            for sample in samples
        ]
    )
    p_value = float(test.pvalue)
    return Difference(name, max(0.0, float(effect)), p_value, p_value, quartiles)
