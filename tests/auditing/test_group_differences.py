import numpy as np
import pytest
from scipy.stats import kruskal, rankdata

from lqjax.auditing.balance import class_balance
from lqjax.auditing.group_differences import differences
from tests.auditing.tables import make_table


def test_the_effect_is_the_share_of_rank_variance_between_groups():
    random = np.random.default_rng(0)
    groups = random.integers(0, 3, 300)
    values = random.normal(size=300) + 0.8 * groups
    (found,) = differences({"noise_sigma": values}, groups, 3)
    ranks = rankdata(values)
    means = np.array([ranks[groups == g].mean() for g in range(3)])
    between = sum((groups == g).sum() * (means[g] - ranks.mean()) ** 2 for g in range(3))
    within = sum(((ranks[groups == g] - means[g]) ** 2).sum() for g in range(3))
    share = between / (between + within)  # eta squared; corrected for chance, from H = (n - 1) eta²
    assert found.effect == pytest.approx((share * 299 - 2) / 297, abs=1e-9)
    assert found.p_value == pytest.approx(kruskal(*(values[groups == g] for g in range(3))).pvalue)
    assert (found.lowest, found.highest) == (0, 2)
    np.testing.assert_allclose(
        found.quartiles[1], np.quantile(values[groups == 1], [0.25, 0.5, 0.75])
    )


def test_measures_are_sorted_by_effect_and_adjusted_by_holm():
    random = np.random.default_rng(1)
    groups = np.repeat([0, 1], 100)
    measures = {
        "none": random.normal(size=200),
        "strong": random.normal(size=200) + 2 * groups,
        "weak": random.normal(size=200) + 0.4 * groups,
        "constant": np.ones(200),
        "unknown": np.full(200, np.nan),
    }
    found = differences(measures, groups, 2)
    assert [d.measure for d in found] == ["strong", "weak", "none"]
    weak = next(d for d in found if d.measure == "weak")
    assert weak.adjusted == pytest.approx(2 * weak.p_value)
    assert found[0].effect > 0.14 and found[-1].effect < 0.02


def test_ties_missing_values_and_small_groups():
    values = np.array([1.0] * 6 + [2.0] * 6 + [9.0, 9.0] + [np.nan])
    groups = np.array([0] * 6 + [1] * 6 + [2, 2] + [0])
    (found,) = differences({"channels": values}, groups, 3)
    assert found.effect == pytest.approx(1.0, abs=0.11) and np.isnan(found.quartiles[2]).all()
    assert differences({"channels": values}, np.zeros(15, int), 1) == ()


def test_balance_counts_classes_by_split():
    table = make_table(
        10,
        splits=["train"] * 6 + ["test"] * 4,
        labels=[0, 0, 0, 0, 0, 1, 0, 0, 1, 1],
        classes=("cat", "dog", "owl"),
    )
    found = class_balance(table)
    assert found.splits == ("train", "test")
    assert found.counts.tolist() == [[5, 2], [1, 2], [0, 0]]
    assert found.imbalance == np.inf and found.difference == pytest.approx(5 / 6 - 0.5)
    assert class_balance(make_table(4, labels=[0, 0, 0, 1])).imbalance == 3.0
    uneven = make_table(6, labels=[0, 0, 0, 1, 1, 1], splits=["train"] * 4 + ["test"] * 2)
    assert class_balance(uneven).imbalance == 3.0  # of training
    assert class_balance(make_table(4)).p_value is None
