"""Do the losses of two models differ on the same images? A permutation test for each pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from lqjax.metrics.effect_size import cohens_d_paired
from lqjax.metrics.grouping import LEAST_UNITS
from lqjax.metrics.multiplicity import benjamini_hochberg, holm
from lqjax.reporting.conditions import Condition
from lqjax.reporting.losses import losses_of
from lqjax.reporting.sign_flips import sign_flips
from lqjax.reporting.significance import Pair
from lqjax.reporting.study import Study

Cell = tuple[Pair, Condition]


@dataclass(frozen=True)
class LossTest:
    """The permutation test of two models' losses in one condition.

    Attributes:
      gap: mean loss of the first less that of the second, in nats; negative where the first is
        better.
      effect: that gap in standard deviations over images (Cohen's d_z); `None` where all images
        differ alike.
      p_value: as it is.
      holm, discovery: after Holm's and Benjamini and Hochberg's correction over the degraded
        conditions of all pairs; those of clean images are corrected over the pairs alone.
      exact: all arrangements of signs were gone through.
    """

    gap: float
    effect: float | None
    p_value: float = 1.0
    holm: float = 1.0
    discovery: float = 1.0
    exact: bool = False


def loss_tests(study: Study, pairs: Mapping[Pair, Sequence[Condition]]) -> dict[Cell, LossTest]:
    """Test the losses of each pair in each condition of which both keep their scores.

    Args:
      pairs: for each the conditions that both models finished.
    """
    if study.n < LEAST_UNITS:
        return {}
    found: dict[Cell, LossTest] = {}

    def columns() -> Iterator[np.ndarray]:
        # One condition after the other: of many classes the scores of all would not fit the memory.
        for cell, differences in _differences(study, pairs):
            found[cell] = LossTest(float(differences.mean()), cohens_d_paired(differences))
            yield differences

    flips = sign_flips(study, columns())
    for cell, flipped in zip(found, flips, strict=True):
        found[cell] = replace(found[cell], p_value=flipped.p_value, exact=flipped.exact)
    return _corrected(found)


def _differences(
    study: Study, pairs: Mapping[Pair, Sequence[Condition]]
) -> Iterator[tuple[Cell, np.ndarray]]:
    for condition in study.conditions:
        asked = [pair for pair, conditions in pairs.items() if condition in conditions]
        models = dict.fromkeys(model for pair in asked for model in pair)
        losses = {model: losses_of(study, model, condition) for model in models}
        for pair in asked:
            first, second = (losses[model] for model in pair)
            if first is not None and second is not None:
                yield (pair, condition), first - second


def _corrected(found: Mapping[Cell, LossTest]) -> dict[Cell, LossTest]:
    corrected = dict(found)
    for degraded in (False, True):
        family = list(compress(found, (c.degraded == degraded for _, c in found)))
        raw = np.array([found[cell].p_value for cell in family])
        for cell, first, second in zip(family, holm(raw), benjamini_hochberg(raw), strict=True):
            corrected[cell] = replace(found[cell], holm=float(first), discovery=float(second))
    return corrected
