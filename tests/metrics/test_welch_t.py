"""Welch's t-test against SciPy's."""

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics.welch_t import welch_t


@pytest.mark.parametrize("sizes", [(3, 3), (5, 3), (2, 9)])
def test_it_is_scipys(sizes):
    rng = np.random.default_rng(sizes)
    first, second = (rng.normal(i, 1 + 2 * i, n) for i, n in enumerate(sizes))
    found, expected = welch_t(first, second), stats.ttest_ind(first, second, equal_var=False)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(expected.df)
    ends = expected.confidence_interval(0.95)
    assert found.mean == pytest.approx((first.mean() - second.mean(), ends.low, ends.high))


def test_one_side_without_spread_is_a_test_against_a_number():
    values = np.array([0.7, 0.75, 0.82])
    found, expected = welch_t(values, np.full(4, 0.6)), stats.ttest_1samp(values, 0.6)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(2)


def test_no_spread_says_nothing():
    found = welch_t(np.full(3, 0.7), np.full(5, 0.6))
    assert found.mean.value == pytest.approx(0.1)
    assert not found.mean.is_bounded() and found.p_value == 1


@pytest.mark.parametrize("wrong", [[0.5], [0.5, np.nan], [[0.5, 0.6]]])
def test_what_cannot_be_tested_is_refused(wrong):
    with pytest.raises(ValueError, match="a t-test needs 2 or more finite numbers"):
        welch_t(np.array([0.1, 0.2]), np.array(wrong))
