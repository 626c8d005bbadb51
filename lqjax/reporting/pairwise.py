"""Every pair of networks in every condition: the gap, the tests, and how large it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.discordance import Discordance, discordance
from lqjax.metrics.effect_size import cohens_h, discordant_odds_ratio
from lqjax.metrics.interval import Estimate
from lqjax.metrics.mcnemar import McNemar, mcnemar
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import Condition
from lqjax.reporting.intervals import gaps_of, mean_of
from lqjax.reporting.loss_tests import LossTest, loss_tests
from lqjax.reporting.significance import Pair, Significance
from lqjax.reporting.study import Study


@dataclass(frozen=True)
class PairCell:
    """Two models in one condition.

    Attributes:
      gap: accuracy of the first less that of the second, a share.
      h: Cohen's, of the two accuracies.
      counts: images by which of the two is right; `None` where a model was trained more than once
        on the same images.
      mcnemar: `None` there too, with folds, and where images belong to groups.
      odds: how often the first alone is right for each time the second alone is; `None` where
        there are no counts or no such image. Its interval is of use where McNemar's test is.
      losses: `None` where one of the two keeps no scores.
    """

    condition: Condition
    gap: Estimate
    h: float
    counts: Discordance | None
    mcnemar: McNemar | None
    odds: Estimate | None
    losses: LossTest | None


@dataclass(frozen=True)
class PairTests:
    """Two models in all conditions that both finished; the first has the better mean accuracy.

    Attributes:
      mean_gap: over the degraded conditions that both finished; `None` without any.
      tests: which differences are shown.
    """

    first: str
    second: str
    cells: tuple[PairCell, ...]
    mean_gap: Estimate | None
    tests: Significance


def compare_pairs(study: Study, comparison: Comparison) -> tuple[PairTests, ...]:
    """Compute what is said of each pair; empty where no two models finished one condition."""
    finished = {
        pair: [c for c in study.conditions if c.name in tests.p_values]
        for pair, tests in comparison.pairs.items()
    }
    losses = loss_tests(study, finished)
    found = []
    for pair, conditions in finished.items():
        right = [_right(study, pair, c) for c in conditions]
        gaps = gaps_of(study, pair, right)
        cells = [
            _cell(study, pair, *known, losses.get((pair, known[0])))
            for known in zip(conditions, gaps, right, strict=True)
        ]
        mean = _mean_gap(study, conditions, right)
        found.append(PairTests(*pair, tuple(cells), mean, comparison.pairs[pair]))
    return tuple(found)


def _right(study: Study, pair: Pair, condition: Condition) -> tuple[np.ndarray, np.ndarray]:
    first, second = pair
    return study.correct(first, condition), study.correct(second, condition)


def _cell(
    study: Study,
    pair: Pair,
    condition: Condition,
    gap: Estimate,
    right: tuple[np.ndarray, np.ndarray],
    losses: LossTest | None,
) -> PairCell:
    h = cohens_h(*(float(np.clip(shares.mean(), 0, 1)) for shares in right))
    if any(len({run.seed for run in study.networks[model]}) > 1 for model in pair):
        return PairCell(condition, gap, h, None, None, None, losses)
    counts = discordance(*(shares > 0 for shares in right))
    alone = counts.only_first, counts.only_second
    images_alone = study.folds == 1 and study.groups is None
    tested = mcnemar(*alone) if images_alone else None
    return PairCell(condition, gap, h, counts, tested, discordant_odds_ratio(*alone), losses)


def _mean_gap(
    study: Study,
    conditions: Sequence[Condition],
    right: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Estimate | None:
    degraded = [
        first - second
        for condition, (first, second) in zip(conditions, right, strict=True)
        if condition.degraded
    ]
    return mean_of(study, np.mean(degraded, axis=0)) if degraded else None
