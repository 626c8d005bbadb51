"""Models that answer alike throughout: perhaps one and the same, reported twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lqjax.reporting.study import Network, Study
from lqjax.textlists import enumeration


def same_answers(study: Study) -> str:
    """Name the pairs of models of which all answers are equal; empty where there are none.

    Two that are right everywhere are equal without being copies.
    """
    pairs = [
        enumeration(pair)
        for pair in combinations(study.models, 2)
        if _equal(*(study.networks[model] for model in pair)) and _errs(study, pair[0])
    ]
    if not pairs:
        return ""
    return (
        f"All answers of {'; of '.join(pairs)} are equal, the wrong ones too, in every condition"
        " and run: if these are copies of the same networks, comparing them says nothing."
    )


def _equal(first: Sequence[Network], second: Sequence[Network]) -> bool:
    ours, theirs = _by_place(first), _by_place(second)
    if ours.keys() != theirs.keys():
        return False
    return all(np.array_equal(predicted, theirs[place]) for place, predicted in ours.items())


def _errs(study: Study, model: str) -> bool:
    rows = (row for run in study.networks[model] for row in run.rows.values())
    return any(row.correct < row.n for row in rows)


def _by_place(networks: Sequence[Network]) -> Mapping[tuple[int, int, str], np.ndarray]:
    """Return what was answered, by seed, fold and condition."""
    return {
        (run.seed, run.fold, condition): predicted
        for run in networks
        for condition, predicted in run.predicted.items()
    }
