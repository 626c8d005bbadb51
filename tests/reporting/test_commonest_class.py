"""Conditions in which no network does better than one that always gives the same answer."""

import numpy as np
import pytest

from lqjax.reporting.commonest_class import MOST_NAMED, no_better_than_one_answer
from lqjax.reporting.comparison import compare_models
from lqjax.reporting.conditions import Condition
from lqjax.reporting.study import read_study
from tests.reporting.conftest import grid_conditions

CONDITIONS = grid_conditions()[:4]


class OneSided:
    """A study of two networks that are right on so many of ten images, six of one class."""

    models = ("a", "b")
    commonest_share = 0.6

    def __init__(self, right):
        self.right = right

    def correct(self, model, condition):
        count = self.right[condition.name][self.models.index(model)]
        return np.repeat([1.0, 0.0], [count, 10 - count])


class Shared:
    def __init__(self, names):
        self.shared = tuple(Condition(name, name, "", name, "") for name in names)


@pytest.mark.parametrize(
    "right, named",
    [
        ({"x": (6, 5), "y": (7, 1)}, ["x"]),  # as good as that is no better
        ({"x": (7, 7), "y": (9, 2)}, []),
        ({"x": (0, 0), "y": (6, 6)}, ["x", "y"]),
    ],
)
def test_only_where_every_network_is_that_bad(right, named):
    text = no_better_than_one_answer(OneSided(right), Shared(right))
    if not named:
        assert text == ""
        return
    listed = text.partition("under: ")[2].partition(". ")[0]
    assert listed.split("; ") == named and "(60.0 %)" in text


def test_many_conditions_are_counted():
    names = [f"c{i}" for i in range(MOST_NAMED + 3)]
    text = no_better_than_one_answer(OneSided(dict.fromkeys(names, (1, 1))), Shared(names))
    assert "and 3 more." in text and f"c{MOST_NAMED}" not in text


def test_the_page_says_nothing_where_networks_recognise_classes(make_workdir):
    workdir = make_workdir(n=60, classes=5, conditions=CONDITIONS, gallery=False)
    study = read_study([workdir])
    comparison = compare_models(study)
    share = np.bincount(study.labels).max() / study.n
    best = [max(study.correct(m, c).mean() for m in study.models) for c in comparison.shared]
    assert min(best) > share and no_better_than_one_answer(study, comparison) == ""
