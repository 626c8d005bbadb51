"""Where one of two models is shown to be better: a test each, corrected for all that are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lqjax.metrics.corrected_t import corrected_t
from lqjax.metrics.discordance import discordance
from lqjax.metrics.mcnemar import mcnemar
from lqjax.metrics.multiplicity import benjamini_hochberg
from lqjax.metrics.shown import LEVEL, shown_differences
from lqjax.reporting.conditions import Condition
from lqjax.reporting.fold_correction import sharing_of_folds
from lqjax.reporting.sign_flips import sign_flips
from lqjax.reporting.study import Study
from lqjax.reporting.training_runs import OverRuns, over_training_runs

MCNEMAR = "McNemar's test"
SIGN_FLIPS = "a permutation test that turns the signs of the images' differences"
GROUPED_FLIPS = "a permutation test that turns the signs of whole groups of images"
AND_RUNS = (
    " and the t-test over training runs, whichever is less sure: the first covers other images, the"
    " second training again"
)
AND_UNPAIRED_RUNS = (
    " and Welch's t-test over training runs, whichever is less sure: the first covers other images,"
    " the second training again"
)
CORRECTED_T = "the t-test over folds with Nadeau and Bengio's correction"

Pair = tuple[str, str]
"""Two models: the first is the one whose lead is tested."""


@dataclass(frozen=True)
class Significance:
    """What the tests of two models say, condition by condition.

    Attributes:
      test: name of the test.
      p_values: by condition, after Holm's correction over the degraded ones of all pairs; those of
        clean images are corrected over the pairs alone.
      ahead, behind, undecided: degraded conditions by who is shown to be better, first model first.
      family, clean_family: how many tests were corrected for together, of all pairs of models in
        all degraded conditions and of all pairs on clean images.
      raw, discovery: p-values as they are, and after Benjamini and Hochberg's correction over the
        same tests.
      images: p-values over images alone; empty with folds.
      runs: the t-tests over training runs or folds; empty where there are too few.
    """

    test: str
    p_values: Mapping[str, float]
    ahead: int
    behind: int
    undecided: int
    family: int = 0
    clean_family: int = 0
    raw: Mapping[str, float] = field(default_factory=dict)
    discovery: Mapping[str, float] = field(default_factory=dict)
    images: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, OverRuns] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of degraded conditions that were tested."""
        return self.ahead + self.behind + self.undecided

    @property
    def covers_training(self) -> bool:
        """Tell whether training again decides too; else it is about these trained networks."""
        over_folds = not self.images
        return over_folds or any(found.mean.is_bounded() for found in self.runs.values())

    def shown(self, condition: Condition) -> bool:
        """Tell whether a difference is shown in a condition."""
        return self.p_values.get(condition.name, 1.0) <= LEVEL


@dataclass(frozen=True)
class _Raw:
    """The tests of one pair before any correction, condition by condition."""

    test: str
    p_values: np.ndarray
    gaps: np.ndarray
    images: Sequence[float]
    runs: Sequence[OverRuns]


class _Corrected(NamedTuple):
    """One test among those it was corrected with."""

    holm: float
    discovery: float
    ahead: bool
    behind: bool


def significance(
    study: Study, pairs: Mapping[Pair, Sequence[Condition]]
) -> dict[Pair, Significance]:
    """Test for each pair in each condition whether two models differ.

    Args:
      pairs: for each the conditions that both models finished, at least one.
    """
    raw = _by_folds(study, pairs) if study.folds > 1 else _by_images(study, pairs)
    corrected: dict[Pair, dict[str, _Corrected]] = {pair: {} for pair in pairs}
    sizes = {}
    for degraded in (False, True):
        family = [
            (pair, c.name, p_value, gap)
            for pair, conditions in pairs.items()
            for c, p_value, gap in zip(conditions, raw[pair].p_values, raw[pair].gaps, strict=True)
            if c.degraded == degraded
        ]
        sizes[degraded] = len(family)
        for (pair, name, *_), one in zip(family, _corrected(family), strict=True):
            corrected[pair][name] = one
    return {
        pair: _significance(raw[pair], conditions, corrected[pair], sizes)
        for pair, conditions in pairs.items()
    }


def _corrected(family: Sequence[tuple[Pair, str, float, float]]) -> list[_Corrected]:
    p_values, gaps = (np.array([test[place] for test in family]) for place in (2, 3))
    shown, discovery = shown_differences(p_values, gaps), benjamini_hochberg(p_values)
    columns = (shown.adjusted, discovery, shown.first, shown.second)
    return [_Corrected(*one) for one in zip(*(c.tolist() for c in columns), strict=True)]


def _significance(
    raw: _Raw,
    conditions: Sequence[Condition],
    corrected: Mapping[str, _Corrected],
    sizes: Mapping[bool, int],
) -> Significance:
    names = [c.name for c in conditions]
    degraded = [corrected[c.name] for c in conditions if c.degraded]
    ahead, behind = sum(one.ahead for one in degraded), sum(one.behind for one in degraded)
    return Significance(
        raw.test,
        {name: corrected[name].holm for name in names},
        ahead,
        behind,
        len(degraded) - ahead - behind,
        sizes[True],
        sizes[False],
        raw=dict(zip(names, raw.p_values.tolist(), strict=True)),
        discovery={name: corrected[name].discovery for name in names},
        images=dict(zip(names, raw.images, strict=False)),
        runs=dict(zip(names, raw.runs, strict=False)),
    )


def _differences(study: Study, pair: Pair, condition: Condition) -> np.ndarray:
    first, second = (study.correct(model, condition) for model in pair)
    return first - second


def _by_folds(study: Study, pairs: Mapping[Pair, Sequence[Condition]]) -> dict[Pair, _Raw]:
    ratio, found = sharing_of_folds(study), {}
    for pair, conditions in pairs.items():
        gaps = np.stack([_differences(study, pair, c) for c in conditions], 1)
        runs = [OverRuns.of(corrected_t(column, ratio)) for column in study.by_fold(gaps).T]
        values = np.array([one.p_value for one in runs])
        found[pair] = _Raw(CORRECTED_T, values, gaps.mean(0), (), runs)
    return found


def _by_images(study: Study, pairs: Mapping[Pair, Sequence[Condition]]) -> dict[Pair, _Raw]:
    """Test over images, and over training runs where there are enough: the less sure decides.

    Where all runs differ alike there is no spread to judge by: the images decide alone.
    """
    cells = [(pair, condition) for pair in pairs for condition in pairs[pair]]
    turned = [cell for cell in cells if _signs_turn(study, cell[0])]
    flips = sign_flips(study, (_differences(study, *cell) for cell in turned))
    p_values = {cell: found.p_value for cell, found in zip(turned, flips, strict=True)}
    found = {}
    for pair, conditions in pairs.items():
        gaps = [_differences(study, pair, c) for c in conditions]
        if not _signs_turn(study, pair):
            test, images = MCNEMAR, [_mcnemar(gap) for gap in gaps]
        else:
            test = SIGN_FLIPS if study.groups is None else GROUPED_FLIPS
            images = [p_values[pair, c] for c in conditions]
        tested = [over_training_runs(study, pair, [condition]) for condition in conditions]
        runs = [one for one in tested if one is not None]
        values = np.array(images)
        if runs:
            test += AND_RUNS if len(runs[0].counts) == 1 else AND_UNPAIRED_RUNS
            doubts = [_doubt(one, gap.mean()) for one, gap in zip(runs, gaps, strict=True)]
            values = np.maximum(values, doubts)
        found[pair] = _Raw(test, values, np.mean(gaps, axis=1), images, runs)
    return found


def _signs_turn(study: Study, pair: Pair) -> bool:
    """Tell whether single right and wrong answers of independent images are not all there is."""
    several = any(len(study.networks[model]) > 1 for model in pair)
    return study.groups is not None or several


def _mcnemar(gap: np.ndarray) -> float:
    counts = discordance(gap > 0, gap < 0)
    return mcnemar(counts.only_first, counts.only_second).p_value


def _doubt(runs: OverRuns, gap: float) -> float:
    """Return the p-value that runs put beside that of the images.

    Where seeds differ, the runs that are compared are not all runs: their gap may point the other
    way, and then shows nothing of this one.
    """
    if not runs.mean.is_bounded():
        return 0.0
    return runs.p_value if runs.mean.value * gap > 0 else 1.0
