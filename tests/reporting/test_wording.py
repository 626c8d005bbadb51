"""Sentences of the report for one, two and more of everything, for gains as for losses."""

import math

import pytest

from lqjax.metrics.binning import BINS
from lqjax.metrics.interval import Estimate
from lqjax.reporting.calibration_section import confidence_table
from lqjax.reporting.cost_tables import throughput_table
from lqjax.reporting.mistakes_figure import mistakes_table
from lqjax.reporting.mistakes_words import about_mistakes, mistakes_caption
from lqjax.reporting.pairwise_section import origin_of_p_values
from lqjax.reporting.pictures import Mistake
from lqjax.reporting.protocol import spread
from lqjax.reporting.robustness_words import change, drops_in_words
from lqjax.reporting.study import read_study

LOSS, GAIN = Estimate(0.042, 0.01, 0.083), Estimate(-0.01, -0.03, 0.02)
NOTHING, UNKNOWN = Estimate(0.0, -0.01, 0.02), Estimate(0.3, -math.inf, math.inf)


@pytest.mark.parametrize(
    "drop, words",
    [
        (LOSS, "loses 4.2 points [1.0, 8.3]"),
        (GAIN, "gains 1.0 points [-2.0, 3.0]"),
        (NOTHING, "changes by 0.0 points [-2.0, 1.0]"),
        (UNKNOWN, "loses 30.0 points"),
    ],
)
def test_a_drop_is_a_loss_and_a_negative_one_a_gain(drop, words):
    assert change(drop) == words


def test_losses_of_one_model_of_two_and_of_three():
    assert drops_in_words({"a": LOSS}, ("a", ""), None) == (
        "From clean to degraded images a loses 4.2 points [1.0, 8.3]."
    )
    two = drops_in_words({"a": LOSS, "b": GAIN}, ("a", "b"), None)
    assert two.endswith("a loses 4.2 points [1.0, 8.3] and b gains 1.0 points [-2.0, 3.0].")
    three = drops_in_words({"a": LOSS, "b": GAIN, "c": LOSS}, ("a", "b"), None)
    assert "a loses 4.2 points [1.0, 8.3], b gains" in three and " and c loses 4.2" in three


@pytest.mark.parametrize(
    "a, b, gap, words",
    [
        (LOSS, Estimate(0.1, 0.05, 0.15), Estimate(0.058, 0.01, 0.1),
         "a loses 5.8 points [1.0, 10.0] less than b."),
        (Estimate(0.1, 0.05, 0.15), LOSS, Estimate(-0.058, -0.1, -0.01),
         "b loses 5.8 points [1.0, 10.0] less than a."),
        (LOSS, GAIN, Estimate(-0.052, -0.09, -0.02),
         "b fares 5.2 points [2.0, 9.0] better than a."),
        (LOSS, LOSS, Estimate(-0.004, -0.02, 0.01),
         "No difference between a and b is shown in this: the loss of b minus that of a is"
         " -0.4 points [-2.0, 1.0]."),
    ],
)  # fmt: skip
def test_the_better_of_two_losses_is_named_with_a_positive_number(a, b, gap, words):
    assert drops_in_words({"a": a, "b": b}, ("a", "b"), gap).endswith(words)


def mistake(model, other="", other_given="1", source="", condition="clean", seed=0):
    return Mistake(
        None, model, other, condition, condition, "x/1", "1", "2", other_given, 0.9, 0.4,
        seed=seed, source=source,
    )  # fmt: skip


def test_mistakes_name_their_network_and_run():
    first = [mistake("a", "b", "1"), mistake("b", "a"), mistake("a", "b", "3", condition="fog")]
    text = about_mistakes(first, folds=False)
    assert text.startswith("From seed 0: the surest mistakes of a, then those that b alone makes.")
    assert "best" not in text
    only = about_mistakes([mistake("a")], folds=True)
    assert only.startswith("From seed 0, fold 0: the surest mistakes of a.")
    assert "below" not in mistakes_caption([mistake("a")])
    assert "below" in mistakes_caption(first)
    several = [mistake("a", "b", "3", "run1"), mistake("d", "c", "3", "run2", seed=4)]
    text = about_mistakes(several, folds=False, elsewhere=["theirs"])
    assert "From run1 (seed 0): the surest mistakes of a. " in text
    assert "From run2 (seed 4): the surest mistakes of d. " in text
    assert "Of theirs no pictures are kept." in text
    # Each directory with one network of its own: once is enough to say whose mistakes they are.
    apart = [mistake("a", source="a"), mistake("d", source="run2", seed=4)]
    text = about_mistakes(apart, folds=False)
    assert text.startswith("The surest mistakes of a (seed 0) and d (seed 4). They are")
    table = mistakes_table(apart)
    assert "answer of the other" not in table.header and "of the other %" not in table.header
    assert [len(row.cells) for row in table.rows] == [len(table.header)] * 2 == [6, 6]
    assert len(mistakes_table(several).header) == 8
    # Where nothing tells which of the two was chosen first, none is put first.
    silent = [mistake("a", "b"), mistake("b", "a", condition="fog")]
    assert "the surest mistakes of a and b." in about_mistakes(silent, folds=False)


@pytest.mark.parametrize(
    "levels, words",
    [
        (("1",), "Degraded images: one condition."),
        (("1", "1"), "Degraded images: means over 2 conditions."),
        (("1", "2"), "means over 2 conditions; by severity, over the conditions of that severity."),
    ],
)
def test_calibration_says_what_is_weighted_and_what_averaged(levels, words):
    from lqjax.reporting.calibration import Calibration
    from lqjax.reporting.conditions import Condition

    shared = tuple(Condition(f"c{i}", "c", level, "c", "") for i, level in enumerate(levels))
    caption = confidence_table(Calibration((), None, shared, ())).caption
    assert caption.endswith(words)
    assert f"sorted by confidence into {BINS} bins" in caption
    assert "each weighted by its share of the answers" in caption


@pytest.mark.parametrize("runs, words", [(1, "of 1 timed run."), (7, "of 7 timed runs.")])
def test_throughput_counts_its_runs(runs, words, make_workdir):
    workdir = make_workdir(n=20, models=(("alexnet", 0.8),), gallery=False)
    study = read_study([workdir])
    (network,) = study.all_networks
    network.cost.__dict__["timed_runs"] = runs
    assert throughput_table(study).caption.endswith(words)


class Counted:
    """A study of so many runs of each network."""

    folds = 1

    def __init__(self, **runs):
        self.networks = {name: [None] * count for name, count in runs.items()}


def test_a_network_trained_once_beside_others_is_named():
    assert spread(Counted(a=3, b=3)) == "± is the standard deviation over seeds."
    assert spread(Counted(a=3, b=1)).endswith(
        "b was trained once: how much another training run would change is not known."
    )
    assert "b and c were trained once" in spread(Counted(a=3, b=1, c=1))
    assert spread(Counted(a=1, b=1)) == ""  # said of all of them in the verdict


def test_pairs_with_other_tests_are_told_apart():
    one = [(("a", "b"), "McNemar's test"), (("a", "c"), "McNemar's test")]
    assert origin_of_p_values(one) == "p of a gap in accuracy is that of McNemar's test."
    two = origin_of_p_values([(("a", "b"), "the t-test"), *one[1:], (("b", "c"), "McNemar's test")])
    assert "Between a and b: the t-test. Between a and c, b and c: McNemar's test." in two
