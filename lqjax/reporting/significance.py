"""In which conditions one of two models is shown to be better: a test each, corrected for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.metrics.corrected_t import INDEPENDENT, corrected_t, fold_ratio
from lqjax.metrics.discordance import discordance
from lqjax.metrics.mcnemar import mcnemar
from lqjax.metrics.permutation import sign_flip_test
from lqjax.metrics.shown import LEVEL, shown_differences
from lqjax.reporting.conditions import Condition
from lqjax.reporting.intervals import gaps_by_seed
from lqjax.reporting.study import Study

MCNEMAR = "McNemar's test"
SIGN_FLIPS = "a permutation test that turns the signs of the images' differences"
GROUPED_FLIPS = "a permutation test that turns the signs of whole groups of images"
AND_RUNS = (
    " and the t-test over training runs, whichever is less sure: the first covers other images, the"
    " second training again"
)
CORRECTED_T = "the t-test over folds with Nadeau and Bengio's correction"


@dataclass(frozen=True)
class Significance:
    """What the tests of one comparison say, condition by condition.

    Attributes:
      test: name of the test.
      p_values: by condition, after Holm's correction over the degraded ones; clean stands alone.
      ahead, behind, undecided: degraded conditions by who is shown to be better, first model first.
    """

    test: str
    p_values: Mapping[str, float]
    ahead: int
    behind: int
    undecided: int

    @property
    def count(self) -> int:
        """Number of degraded conditions that were tested."""
        return self.ahead + self.behind + self.undecided

    def shown(self, condition: Condition) -> bool:
        """Tell whether a difference is shown in a condition."""
        return self.p_values.get(condition.name, 1.0) <= LEVEL


def significance(
    study: Study, first: str, second: str, conditions: Sequence[Condition]
) -> Significance:
    """Test in each condition whether two models differ.

    Args:
      first, second: models that finished all of `conditions`.
      conditions: at least one.
    """
    gaps = np.stack([study.correct(first, c) - study.correct(second, c) for c in conditions], 1)
    test, raw = _p_values(study, gaps, len(study.networks[first]) + len(study.networks[second]))
    over_runs = _over_training_runs(study, (first, second), conditions)
    if over_runs is not None:
        test, raw = f"{test}{AND_RUNS}", np.maximum(raw, over_runs)
    p_values = dict(zip([c.name for c in conditions], raw.tolist(), strict=True))
    degraded = [number for number, c in enumerate(conditions) if c.degraded]
    if not degraded:
        return Significance(test, p_values, 0, 0, 0)
    shown = shown_differences(raw[degraded], gaps.mean(0)[degraded])
    for number, adjusted in zip(degraded, shown.adjusted.tolist(), strict=True):
        p_values[conditions[number].name] = adjusted
    return Significance(test, p_values, *shown.counts())


def _over_training_runs(
    study: Study, models: tuple[str, str], conditions: Sequence[Condition]
) -> np.ndarray | None:
    """Test the gaps of training runs of equal seeds; `None` where there are too few.

    Where all runs differ alike there is no spread to judge by: the images decide alone.
    """
    by_seed = [gaps_by_seed(study, models, [condition]) for condition in conditions]
    found = [corrected_t(gaps, INDEPENDENT) for gaps in by_seed if gaps is not None]
    if not found:
        return None
    return np.array([one.p_value if one.mean.is_bounded() else 0.0 for one in found])


def _p_values(study: Study, gaps: np.ndarray, runs: int) -> tuple[str, np.ndarray]:
    """Choose the test by what was repeated; gaps are (images, conditions)."""
    if study.folds > 1:
        ratio = fold_ratio(study.folds)
        found = [corrected_t(column, ratio).p_value for column in study.by_fold(gaps).T]
        return CORRECTED_T, np.array(found)
    if study.groups is not None:
        return GROUPED_FLIPS, sign_flip_test(gaps, study.groups).p_values
    if runs > 2:
        return SIGN_FLIPS, sign_flip_test(gaps).p_values
    counts = [discordance(column > 0, column < 0) for column in gaps.T]
    return MCNEMAR, np.array([mcnemar(c.only_first, c.only_second).p_value for c in counts])
