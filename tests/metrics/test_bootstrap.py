"""Paired and cluster bootstrap against SciPy, closed forms and simulated coverage."""

import numpy as np
import pytest
from scipy import stats

from lqjax.metrics import resamples as resamples_file
from lqjax.metrics.bca import bca_interval
from lqjax.metrics.bootstrap import bootstrap_mean
from lqjax.metrics.grouping import grouping
from lqjax.metrics.paired import tango_interval
from lqjax.metrics.paired_bootstrap import paired_bootstrap
from lqjax.metrics.resamples import Resamples

MODELS, CONDITIONS = 2, 3


def answers(seed, n=60):
    """Right and wrong answers that go together over models and conditions."""
    random = np.random.default_rng(seed)
    ease = random.random((n, 1, 1))
    level = np.array([[0.2, 0.1, -0.1], [0.1, 0.0, -0.2]])
    return random.random((n, MODELS, CONDITIONS)) < 0.2 + 0.6 * ease + level


def gap_of_means(means):
    return means[..., 0, :].mean(-1) - means[..., 1, :].mean(-1)


def corruption_error(means):
    """A ratio of sums of errors, as CE is."""
    return (1 - means[..., 0, :]).sum(-1) / (1 - means[..., 1, :]).sum(-1)


@pytest.mark.parametrize("statistic", [gap_of_means, corruption_error])
@pytest.mark.parametrize("kind", ["answers", "scores"])
def test_interval_equals_scipys_of_the_same_statistic(statistic, kind):
    values = answers(1)
    if kind == "scores":
        values = values * np.random.default_rng(2).gamma(2.0, 0.2, values.shape)
    count = 10_000
    got = paired_bootstrap(values, resamples=count).estimate(statistic)
    expected = stats.bootstrap(
        (np.arange(len(values)),),
        lambda drawn: statistic(values[drawn].mean(0)),
        n_resamples=count,
        method="BCa",
        vectorized=False,
        rng=np.random.default_rng(5),
    )
    assert got.value == pytest.approx(statistic(values.mean(0)))
    ends = expected.confidence_interval
    # Monte-Carlo error of a 2.5 % quantile: 0.027 standard errors at 10,000, for each side; steps
    # between the values that answers can take come on top.
    near = 0.15 * expected.standard_error
    assert (got.low, got.high) == pytest.approx((ends.low, ends.high), abs=near)


def test_bca_of_given_values_equals_efrons_formula():
    # Written from Efron 1987 with SciPy's normal distribution, quantiles by sorting.
    random = np.random.default_rng(4)
    resampled, left_out = random.gamma(2.0, 1.0, 999), -random.gamma(1.0, 1.0, 40)
    bias = stats.norm.ppf((resampled < 1.5).mean())
    influence = left_out.mean() - left_out
    skew = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    z = stats.norm.ppf([0.025, 0.975])
    levels = stats.norm.cdf(bias + (bias + z) / (1 - skew * (bias + z)))
    expected = np.interp(levels * 998, np.arange(999), np.sort(resampled))
    assert abs(skew) > 0.03 and abs(bias) > 0.03
    assert bca_interval(1.5, resampled, left_out) == pytest.approx(expected)


def test_bca_stays_in_order_beyond_the_pole_of_its_correction():
    # One unit that carries everything (acceleration 1/6), all resamples below what was observed:
    # both ends are read at the top.
    left_out = -np.eye(1, 1000)[0]
    low, high = bca_interval(1.0, np.linspace(0.0, 0.9, 1_000_000), left_out)
    assert low <= high == pytest.approx(0.9)


def test_bca_does_not_depend_on_the_size_of_influences():
    random = np.random.default_rng(8)
    resampled, left_out = random.random(999), random.exponential(1.0, 20)
    expected = bca_interval(0.5, resampled, left_out)
    for size in (1e-200, 1e100):
        assert bca_interval(0.5, resampled, size * left_out) == pytest.approx(expected)


def test_bca_counts_values_that_differ_by_rounding_as_equal():
    random = np.random.default_rng(6)
    left_out, values = random.random(30), random.random(4000)
    ties = np.full(1500, 0.5)
    expected = bca_interval(0.5, np.append(values, ties), left_out)
    for rounding in (-1e-15, 1e-15):
        got = bca_interval(0.5, np.append(values, ties + rounding), left_out)
        assert got == pytest.approx(expected)


def test_bca_without_influence_of_single_units_corrects_the_bias_only():
    resampled = np.random.default_rng(7).random(999)
    bias = stats.norm.ppf((resampled < 0.6).mean())
    levels = stats.norm.cdf(2 * bias + stats.norm.ppf([0.025, 0.975]))
    got = bca_interval(0.6, resampled, np.ones(8))
    assert got == pytest.approx(np.quantile(resampled, levels))


def test_means_are_those_of_the_images_drawn():
    values = answers(3, n=17)
    sets = Resamples(grouping(17), resamples=50, seed=9)
    drawn = np.random.default_rng(9).integers(0, 17, (50, 17))
    np.testing.assert_allclose(sets.means(values), values[drawn].mean(1), rtol=1e-15)


def test_all_cells_have_the_same_resamples():
    values = np.random.default_rng(0).random((40, 1))
    sets = Resamples(grouping(40), resamples=300)
    both = sets.means(np.concatenate([values, 1 - values], axis=1))
    np.testing.assert_allclose(both[:, 0] + both[:, 1], 1)
    np.testing.assert_allclose(both[:, :1], sets.means(values))
    assert not np.allclose(both, Resamples(grouping(40), resamples=300, seed=1).means(values))


@pytest.mark.parametrize("whole", [True, False])
def test_blocks_change_nothing(monkeypatch, whole):
    values = answers(5, n=33) if whole else np.random.default_rng(5).random((33, 2))
    sets = Resamples(grouping(33), resamples=101)
    before = sets.means(values)
    monkeypatch.setattr(resamples_file, "DRAWS_AT_ONCE", 7 * 33 + 5)
    after = sets.means(values)
    if whole:
        np.testing.assert_array_equal(before, after)
    else:
        np.testing.assert_allclose(before, after, rtol=1e-14)


@pytest.mark.parametrize("largest", [1, 127, 255, 2**20])
def test_sums_of_whole_numbers_are_exact(largest):
    dtype = np.uint8 if largest < 256 else np.int64
    values = np.random.default_rng(1).integers(0, largest, (300, 2), dtype, endpoint=True)
    drawn = np.random.default_rng(0).integers(0, 300, (20, 300))
    expected = values.astype(object)[drawn].sum(1)
    got = Resamples(grouping(300), resamples=20).means(values) * 300
    np.testing.assert_array_equal(np.round(got).astype(np.int64), expected.astype(np.int64))


def test_left_out_means_are_those_without_the_unit():
    values, groups = answers(6, n=20), np.arange(20) % 6
    for ids in (None, groups):
        got = Resamples(grouping(20, ids)).left_out_means(values)
        units = np.arange(20) if ids is None else groups
        expected = [values[units != unit].mean(0) for unit in np.unique(units)]
        np.testing.assert_allclose(got, expected, rtol=1e-14)


def clusters(seed, patients=25):
    """Patients with one to nine images whose scores depend on the patient."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 10, patients)
    ids = np.repeat([f"patient {k}" for k in random.permutation(patients)], sizes)
    ease = np.repeat(random.normal(0.1, 0.3, patients), sizes)
    order = random.permutation(len(ids))
    return (ease + random.normal(0, 0.1, len(ids)))[order], ids[order]


def test_scores_in_single_precision_are_added_in_double():
    values = np.random.default_rng(9).random(4000).astype(np.float32)
    sums = grouping(4000, np.arange(4000) // 2000).sums(values)
    np.testing.assert_allclose(sums, values.astype(float).reshape(2, -1).sum(1), rtol=1e-13)


def test_sums_of_groups_do_not_overflow():
    values = np.full((9, 1), 200, np.uint8)
    assert grouping(9, np.arange(9) // 5).sums(values).tolist() == [[1000], [800]]


def test_cluster_bootstrap_draws_whole_groups():
    values, ids = clusters(1, patients=7)
    names = np.unique(ids)
    drawn = np.random.default_rng(2).integers(0, 7, (40, 7))
    expected = [
        np.concatenate([values[ids == names[unit]] for unit in units]).mean() for units in drawn
    ]
    got = Resamples(grouping(len(ids), ids), resamples=40, seed=2).means(values)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_cluster_bootstrap_has_the_variance_of_the_ratio_estimator():
    values, ids = clusters(2, patients=60)
    _, unit, sizes = np.unique(ids, return_inverse=True, return_counts=True)
    sums = np.bincount(unit, values)
    # Cochran, "Sampling techniques", section 6.4, with replacement: linearised ratio.
    expected = np.sqrt((((sums - values.mean() * sizes) / sizes.mean()) ** 2).sum()) / 60
    resampled = paired_bootstrap(values, ids).resampled
    assert resampled.std() == pytest.approx(expected, rel=0.05)
    assert resampled.std() > 2 * values.std() / np.sqrt(len(values))


def test_cluster_interval_equals_scipys_over_the_groups():
    values, ids = clusters(3)
    _, unit, sizes = np.unique(ids, return_inverse=True, return_counts=True)
    sums = np.bincount(unit, values)
    expected = stats.bootstrap(
        (sums, sizes),
        lambda s, n, axis: s.sum(axis) / n.sum(axis),
        paired=True, vectorized=True, method="BCa", rng=np.random.default_rng(8),
    )  # fmt: skip
    got = bootstrap_mean(values, groups=ids)
    ends = expected.confidence_interval
    assert got.value == pytest.approx(values.mean())
    near = 0.15 * expected.standard_error
    assert (got.low, got.high) == pytest.approx((ends.low, ends.high), abs=near)


def test_groups_of_one_image_are_images():
    values = np.random.default_rng(1).random(30)
    alone = paired_bootstrap(values).estimate(np.positive)
    assert paired_bootstrap(values, np.arange(30)).estimate(np.positive) == alone


@pytest.mark.slow
def test_paired_interval_covers_as_often_as_it_says():
    random = np.random.default_rng(11)
    trials, covered = 1500, 0
    for trial in range(trials):
        ease = random.random((120, 1, 1))
        shift = np.array([[0.3], [0.1]])
        values = random.random((120, 2, 4)) < 0.5 * ease + shift
        got = paired_bootstrap(values, resamples=1000, seed=trial).estimate(gap_of_means)
        covered += got.low <= 0.2 <= got.high
    # Three standard errors of a share of 0.95 among 1500 trials.
    assert abs(covered / trials - 0.95) < 0.017


def test_cluster_interval_covers_where_that_of_images_does_not():
    random = np.random.default_rng(12)
    trials, covered, naive = 1000, 0, 0
    ids = np.repeat(np.arange(60), 6)
    for trial in range(trials):
        values = np.repeat(random.exponential(1.0, 60) / 4, 6) + random.normal(0, 0.05, 360)
        got = paired_bootstrap(values, ids, resamples=1000, seed=trial).estimate(np.positive)
        covered += got.low <= 0.25 <= got.high
        if trial < 100:
            wrong = paired_bootstrap(values, resamples=300, seed=trial).estimate(np.positive)
            naive += wrong.low <= 0.25 <= wrong.high
    assert 0.91 < covered / trials < 0.97  # 60 skewed groups: a little below 0.95
    assert naive / 100 < 0.7


def test_estimates_gives_the_interval_of_every_cell():
    values = answers(7)
    sets = paired_bootstrap(values, resamples=2000)
    got = sets.estimates()
    assert got.shape == (MODELS, CONDITIONS, 3)
    for model in range(MODELS):
        for condition in range(CONDITIONS):
            expected = sets.estimate(lambda m, i=model, j=condition: m[:, i, j])
            assert tuple(got[model, condition]) == pytest.approx(expected)


def test_where_all_images_are_alike_a_share_is_tangos_and_a_ratio_open():
    values = np.zeros((50, 2), bool)
    values[:, 0] = True
    sets = paired_bootstrap(values, resamples=100)
    got = sets.estimate(lambda m: m[:, 0] - m[:, 1], share=True)
    assert got == pytest.approx((1.0, *tango_interval(50, 0, 50)))
    open_ended = sets.estimate(lambda m: m[:, 1] / m[:, 0])
    assert open_ended == (0.0, -np.inf, np.inf)
    assert not open_ended.is_bounded() and not open_ended.excludes_zero() and got.is_bounded()


def test_groups_that_are_alike_count_as_groups():
    got = bootstrap_mean(np.ones(100), groups=np.arange(100) % 4)
    assert got == pytest.approx((1.0, *tango_interval(4, 0, 4)))


def test_one_group_is_refused():
    with pytest.raises(ValueError, match="belong to the group 'north'; one group shows no"):
        bootstrap_mean(np.linspace(0, 1, 5), groups=["north"] * 5)


@pytest.mark.parametrize(
    "values, groups, words",
    [
        (np.zeros(0), None, "0 examples cannot be resampled"),
        (np.zeros(1), None, "1 examples cannot be resampled"),
        (np.zeros(3), ["a", "b"], "2 group ids for 3 examples"),
        (np.array([[0.0, 1.0], [np.nan, 0.0]]), None, "example 1 is not finite"),
    ],
)
def test_bootstrap_refuses(values, groups, words):
    with pytest.raises(ValueError, match=words):
        paired_bootstrap(values, groups)


def test_statistics_that_do_not_fit_are_refused():
    sets = paired_bootstrap(answers(8, n=6), resamples=200)
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        sets.estimate(lambda m: m.mean(0))
    rare = np.zeros((6, 2), bool)
    rare[0] = True
    with pytest.raises(ValueError, match=r"not finite for \d+ of 200 rows \(resamples\)"):
        paired_bootstrap(rare, resamples=200).estimate(lambda m: m[:, 0] / m[:, 1])
    with pytest.raises(ValueError, match="resamples=0"):
        Resamples(grouping(3), resamples=0)
