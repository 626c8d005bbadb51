"""Intervals and tests against published values, SciPy and simulated coverage."""

import numpy as np
import pytest
from scipy import optimize, stats

from lqjax.metrics.bootstrap import bootstrap_mean
from lqjax.metrics.interval import Z
from lqjax.metrics.mcnemar import mcnemar_exact
from lqjax.metrics.paired import paired_difference, tango_interval
from lqjax.metrics.wilson import wilson_interval


@pytest.mark.parametrize(
    "correct, n", [(0, 1), (0, 20), (20, 20), (81, 263), (15, 148), (29, 1000)]
)
def test_wilson_equals_scipy(correct, n):
    expected = stats.binomtest(correct, n).proportion_ci(method="wilson")
    assert wilson_interval(correct, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    "correct, n, low, high",
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_equals_the_published_examples(correct, n, low, high):
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("correct, n", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(correct, n):
    with pytest.raises(ValueError, match="not possible"):
        wilson_interval(correct, n)


def test_tango_equals_the_published_example():
    # Complete response before and after therapy (Cavo et al. 2012: 59, 6, 16, 80), as analysed by
    # Fagerland, Lydersen and Laake, "Statistical analysis of contingency tables", chapter 8.
    assert tango_interval(6, 16, 161) == pytest.approx((-0.1240, -0.0054), abs=5e-5)


def profile_score(difference, b, c, n):
    """Score statistic with the nuisance share found by numerical maximum likelihood."""

    def negative_log_likelihood(only_second):
        only_first = only_second + difference
        rest = 1 - only_first - only_second
        terms = [(b, only_first), (c, only_second), (n - b - c, rest)]
        return -sum(count * np.log(share) for count, share in terms if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    edge = 1e-13
    found = optimize.minimize_scalar(
        negative_log_likelihood,
        bounds=(low + edge, high - edge),
        method="bounded",
        options={"xatol": 1e-13},
    )
    variance = n * (2 * found.x + difference - difference**2)
    return (b - c - n * difference) / np.sqrt(variance)


@pytest.mark.parametrize(
    "b, c, n", [(12, 2, 50), (6, 16, 161), (1, 7, 21), (40, 20, 160), (3, 3, 9)]
)
def test_tango_limits_are_where_the_profile_score_is_at_its_quantile(b, c, n):
    interval = tango_interval(b, c, n)
    assert profile_score(interval.low, b, c, n) == pytest.approx(Z, abs=1e-4)
    assert profile_score(interval.high, b, c, n) == pytest.approx(-Z, abs=1e-4)


@pytest.mark.parametrize("n", [1, 10, 360])
def test_tango_of_models_that_always_agree_is_the_score_limit_of_zero_successes(n):
    # With no discordance the limit solves n d^2 = z^2 d (1 - d), as Wilson's limit at 0 does.
    low, high = tango_interval(0, 0, n)
    assert high == pytest.approx(stats.binomtest(0, n).proportion_ci(method="wilson").high)
    assert low == pytest.approx(-high)


def test_tango_stays_within_minus_one_and_one():
    assert tango_interval(8, 0, 8).high == pytest.approx(1.0)
    assert tango_interval(0, 8, 8).low == pytest.approx(-1.0)


def test_tango_turns_round_with_the_models():
    low, high = tango_interval(9, 4, 77)
    assert tango_interval(4, 9, 77) == pytest.approx((-high, -low))


def test_tango_excludes_zero_exactly_when_mcnemars_score_test_rejects():
    n = 60
    for b in range(20):
        for c in range(20):
            interval = tango_interval(b, c, n)
            rejected = b != c and (b - c) ** 2 / (b + c) > Z**2
            assert (interval.low > 0 or interval.high < 0) == rejected, (b, c)


def test_tango_covers_the_true_difference():
    rng = np.random.default_rng(0)
    n, shares = 120, [0.60, 0.15, 0.07, 0.18]
    tables = rng.multinomial(n, shares, 4000)
    covered = [low <= 0.08 <= high for low, high in (tango_interval(t[1], t[2], n) for t in tables)]
    assert 0.94 < np.mean(covered) < 0.965


@pytest.mark.parametrize("counts", [(-1, 2, 5), (3, 3, 5), (0, 0, 0)])
def test_tango_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match="not possible"):
        tango_interval(*counts)


def test_paired_difference_counts_who_alone_is_right():
    first = np.array([True] * 59 + [True] * 6 + [False] * 16 + [False] * 80)
    second = np.array([True] * 59 + [False] * 6 + [True] * 16 + [False] * 80)
    got = paired_difference(first, second)
    assert got.value == pytest.approx(-10 / 161)
    assert (got.low, got.high) == pytest.approx((-0.1240, -0.0054), abs=5e-5)
    assert got.excludes_zero()
    assert not paired_difference(first, first).excludes_zero()


def test_paired_difference_refuses_other_examples():
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_difference(np.ones(3, bool), np.ones(4, bool))


def test_mcnemar_equals_the_published_example():
    assert mcnemar_exact(6, 16) == pytest.approx(0.052479, abs=5e-7)


@pytest.mark.parametrize("b, c", [(0, 0), (1, 0), (5, 5), (3, 14), (400, 460), (2000, 2100)])
def test_mcnemar_equals_scipy(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_refuses_negative_counts():
    with pytest.raises(ValueError, match="0 or more"):
        mcnemar_exact(-1, 2)


def test_bootstrap_equals_scipy():
    # Values without ties: where resampled means tie with the observed one, SciPy's count of those
    # below depends on how the sums round.
    rng = np.random.default_rng(3)
    values = rng.beta(0.5, 2.0, 80) - 0.1
    got = bootstrap_mean(values, resamples=40_000)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert got.value == pytest.approx(values.mean())
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1.5e-3)


def test_bootstrap_of_skewed_scores_is_skewed_as_scipys_is():
    values = np.repeat([0.0, 1.0], [55, 5])
    got = bootstrap_mean(values, resamples=40_000)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1 / 60)
    assert got.high - got.value > got.value - got.low


def test_bootstrap_covers_the_true_mean_where_conditions_are_correlated():
    rng = np.random.default_rng(7)
    n, conditions, trials = 200, 12, 600
    covered = 0
    for _ in range(trials):
        ease = rng.random((n, 1))
        first = rng.random((n, conditions)) < 0.2 + 0.7 * ease
        second = rng.random((n, conditions)) < 0.6 * ease + 0.2
        difference = bootstrap_mean(first.mean(1) - second.mean(1), resamples=2000)
        covered += difference.low <= 0.05 <= difference.high
    assert 0.925 < covered / trials < 0.975


def test_bootstrap_repeats_itself():
    values = np.linspace(-1, 1, 30)
    assert bootstrap_mean(values) == bootstrap_mean(values)


@pytest.mark.parametrize("score", [0.0, 1.0, -1.0])
def test_bootstrap_of_images_that_all_score_alike_is_not_certain(score):
    got = bootstrap_mean(np.full(50, score))
    assert got.value == score
    assert got.high - got.low > 0.05


def test_bootstrap_refuses_no_images():
    with pytest.raises(ValueError, match="no examples"):
        bootstrap_mean(np.zeros(0))
