"""Tests between models against SciPy and definitions gone through by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from lqjax.metrics import permutation
from lqjax.metrics.corrected_t import INDEPENDENT, corrected_t, fold_ratio
from lqjax.metrics.discordance import discordance
from lqjax.metrics.effect_size import cohens_d_paired, cohens_h, discordant_odds_ratio
from lqjax.metrics.mcnemar import LEAST_FOR_CHI_SQUARE, mcnemar, mcnemar_exact
from lqjax.metrics.multiplicity import benjamini_hochberg, holm
from lqjax.metrics.permutation import sign_flip_test
from lqjax.metrics.shown import shown_differences
from lqjax.metrics.students_t import quantile, two_sided_p_value


def test_discordance_counts_every_image_once():
    random = np.random.default_rng(0)
    first, second = random.random((2, 200)) < np.array([[0.7], [0.5]])
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    kinds = [(True, True), (True, False), (False, True), (False, False)]
    assert discordance(first, second) == tuple(map(pairs.count, kinds))
    assert discordance(first, second).pairs == (first != second).sum()


@pytest.mark.parametrize("b, c", [(0, 0), (0, 24), (12, 12), (20, 4)])
def test_mcnemar_is_exact_for_few_discordant_pairs(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c).exact
    assert mcnemar(b, c).p_value == pytest.approx(expected)


@pytest.mark.parametrize("b, c", [(25, 0), (13, 12), (30, 30), (59, 30), (400, 300)])
def test_mcnemar_is_chi_square_with_correction_for_many(b, c):
    # A corrected statistic of (|b - c| - 1)² / (b + c); at b = c nothing is left to correct.
    statistic = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    got = mcnemar(b, c)
    assert not got.exact
    assert got.p_value == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-12)


def test_mcnemar_changes_form_without_a_jump():
    b, c = 18, LEAST_FOR_CHI_SQUARE - 18
    assert mcnemar(b, c).p_value == pytest.approx(mcnemar_exact(b, c), rel=0.1)


def test_mcnemar_refuses_negative_counts_of_any_size():
    for counts in [(-1, 2), (100, -1), (-100, 300)]:
        with pytest.raises(ValueError, match="0 or more"):
            mcnemar(*counts)


@pytest.mark.parametrize("count", [2, 5, 9])
def test_sign_flips_of_few_examples_equal_scipys(count):
    random = np.random.default_rng(count)
    first, second = random.gamma(2.0, 1.0, (2, count, 3))
    got = sign_flip_test(first - second)
    expected = stats.permutation_test(
        (first, second), lambda a, b, axis: (a - b).mean(axis), permutation_type="samples",
        vectorized=True, n_resamples=np.inf, axis=0,
    )  # fmt: skip
    assert got.exact.all()
    np.testing.assert_allclose(got.p_values, expected.pvalue, rtol=1e-12)


def test_sign_flips_of_many_examples_equal_scipys():
    random = np.random.default_rng(1)
    differences = random.normal([0.0, 0.15, 0.3, 0.8], 1.0, (60, 4))
    got = sign_flip_test(differences)
    expected = stats.permutation_test(
        (differences,), lambda d, axis: d.mean(axis), permutation_type="samples",
        vectorized=True, n_resamples=9_999, axis=0, batch=500, rng=np.random.default_rng(2),
    ).pvalue  # fmt: skip
    error = np.sqrt(expected * (1 - expected) / 9_999)
    assert not got.exact.any()
    assert np.all(np.abs(got.p_values - expected) < 5 * error + 2 / 9_999)
    assert got.p_values[3] == 1 / 10_000


def test_sign_flips_of_answers_are_mcnemars_exact_test():
    differences = np.array([1] * 9 + [-1] * 3 + [0] * 40)
    assert sign_flip_test(differences[:, None]).p_values == pytest.approx(mcnemar_exact(9, 3))
    many = np.array([1] * 40 + [-1] * 24 + [0] * 9)
    got = sign_flip_test(many[:, None], permutations=40_000)
    assert got.p_values == pytest.approx(mcnemar_exact(40, 24), abs=0.006)


def test_sign_flips_count_what_ties_up_to_rounding():
    # 0.1 + 0.2 - 0.3 is 5.6e-17: as extreme as the other sums of zero.
    differences = np.array([0.1, 0.2, -0.3])[:, None]
    assert sign_flip_test(differences).p_values == 1.0


def test_signs_of_a_group_turn_together():
    random = np.random.default_rng(3)
    ids = np.repeat(np.arange(8), 5)
    differences = np.repeat(random.normal(0.4, 1.0, 8), 5) + random.normal(0, 0.1, 40)
    sums = np.bincount(ids, differences)
    turned = [abs(np.dot(signs, sums)) for signs in itertools.product([1, -1], repeat=8)]
    expected = np.mean(np.array(turned) >= abs(sums.sum()) - 1e-12)
    got = sign_flip_test(differences[:, None], groups=ids)
    assert got.exact.all()
    assert got.p_values == pytest.approx(expected)
    assert sign_flip_test(differences[:, None]).p_values < expected


def test_blocks_of_signs_change_nothing(monkeypatch):
    differences = np.random.default_rng(4).integers(-2, 3, (77, 2))
    before = sign_flip_test(differences, permutations=500)
    monkeypatch.setattr(permutation, "SIGNS_AT_ONCE", 1000)
    np.testing.assert_array_equal(sign_flip_test(differences, permutations=500).p_values,
                                  before.p_values)  # fmt: skip


def test_what_stands_beside_a_column_changes_nothing():
    random = np.random.default_rng(6)
    few = np.zeros(90)
    few[:5] = random.normal(1, 1, 5)
    some = np.where(random.random(90) < 0.4, random.normal(0.2, 1, 90), 0)
    columns = np.stack([few, some, random.normal(0.2, 1, 90), np.zeros(90)], 1)
    together = sign_flip_test(columns)
    assert together.exact.tolist() == [True, False, False, True]
    for number, column in enumerate(columns.T):
        alone = sign_flip_test(column[:, None])
        assert alone.p_values[0] == together.p_values[number]
        assert alone.exact[0] == together.exact[number]


def test_models_that_always_agree_differ_with_p_of_one():
    assert sign_flip_test(np.zeros((30, 2))).p_values.tolist() == [1.0, 1.0]


def test_sign_flips_reject_as_often_as_they_should():
    random = np.random.default_rng(5)
    differences = random.standard_t(3, (40, 1500))  # many tests of a true null, heavy tails
    rejected = (sign_flip_test(differences, permutations=1999).p_values <= 0.05).mean()
    assert 0.03 < rejected < 0.07


def test_sign_flips_refuse():
    with pytest.raises(ValueError, match=r"differences\[:, None\]"):
        sign_flip_test(np.zeros(3))
    with pytest.raises(ValueError, match="permutations=0"):
        sign_flip_test(np.zeros((3, 1)), permutations=0)
    with pytest.raises(ValueError, match="not finite"):
        sign_flip_test(np.array([[0.0], [np.nan]]))


@pytest.mark.parametrize(
    "level, freedom, expected",
    # Any printed table of Student's t.
    [(0.975, 1, 12.706), (0.975, 4, 2.776), (0.975, 9, 2.262), (0.95, 30, 1.697), (0.5, 3, 0.0)],
)
def test_t_quantiles_equal_the_printed_table(level, freedom, expected):
    assert quantile(level, freedom) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 49])
def test_t_tails_equal_the_integral_of_the_density(freedom):
    scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(freedom * math.pi)

    def density(t):
        return scale * (1 + t * t / freedom) ** (-(freedom + 1) / 2)

    for statistic in (-2.5, 0.0, 0.7, 4.0):
        tail, _ = integrate.quad(density, abs(statistic), np.inf, epsabs=1e-13)
        assert two_sided_p_value(statistic, freedom) == pytest.approx(2 * tail, abs=1e-10)
    assert quantile(1 - two_sided_p_value(1.3, freedom) / 2, freedom) == pytest.approx(1.3)


def test_t_test_without_correction_equals_scipys():
    values = np.array([0.031, 0.012, 0.044, -0.008, 0.02])
    expected = stats.ttest_1samp(values, 0.0)
    got = corrected_t(values, INDEPENDENT)
    assert (got.statistic, got.p_value) == pytest.approx((expected.statistic, expected.pvalue))
    assert got.mean[1:] == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert got.deviation == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize("folds, repeats", [(5, 1), (10, 1), (5, 3)])
def test_corrected_t_has_the_variance_of_nadeau_and_bengio(folds, repeats):
    runs = folds * repeats
    values = np.random.default_rng(folds).normal(0.03, 0.02, runs)
    test, train = 1000 / folds, 1000 - 1000 / folds
    error = np.sqrt((1 / runs + test / train) * np.sum((values - values.mean()) ** 2) / (runs - 1))
    got = corrected_t(values, fold_ratio(folds))
    assert got.freedom == runs - 1
    assert got.statistic == pytest.approx(values.mean() / error)
    assert got.p_value == pytest.approx(2 * stats.t.sf(abs(values.mean()) / error, runs - 1))
    expected = stats.t.interval(0.95, runs - 1, loc=values.mean(), scale=error)
    assert got.mean == pytest.approx((values.mean(), *expected))


def test_corrected_t_by_hand():
    # 0.01, 0.03, 0.05: mean 0.03, s 0.02; three folds: 0.02 sqrt(1/3 + 1/2) = 0.018257.
    got = corrected_t(np.array([0.01, 0.03, 0.05]), fold_ratio(3))
    assert got.statistic == pytest.approx(1.6432, abs=5e-5)
    assert got.mean == pytest.approx((0.03, -0.04856, 0.10856), abs=1e-5)  # t of 2: 4.3027


def test_runs_without_spread_say_nothing():
    got = corrected_t(np.full(5, 0.1 + 0.2), fold_ratio(5))
    assert got.p_value == 1.0
    assert not got.mean.is_bounded()


@pytest.mark.parametrize(
    "values, ratio, words",
    [
        ([0.1], 0.0, "needs 2 or more runs"),
        ([0.1, np.nan], 0.0, "run 1 has a value that is not finite"),
        ([0.1, 0.2], -0.1, "test_to_train=-0.1"),
        ([0.1, 0.2], np.nan, "test_to_train=nan"),
    ],
)
def test_corrected_t_refuses(values, ratio, words):
    with pytest.raises(ValueError, match=words):
        corrected_t(np.array(values), ratio)


def test_one_fold_is_refused():
    with pytest.raises(ValueError, match="folds=1"):
        fold_ratio(1)


FAMILIES = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.02, 0.02, 0.9, 1.0, 0.0], [0.2, 0.01, 0.01]]


@pytest.mark.parametrize("p_values", FAMILIES)
def test_holm_is_the_closure_of_bonferroni(p_values):
    # A hypothesis is rejected if Bonferroni rejects every intersection that it is part of.
    tests = range(len(p_values))
    subsets = [s for size in tests for s in itertools.combinations(tests, size + 1)]
    expected = [
        max(min(1, len(s) * min(p_values[k] for k in s)) for s in subsets if test in s)
        for test in tests
    ]
    np.testing.assert_allclose(holm(np.array(p_values)), expected)


@pytest.mark.parametrize("p_values", FAMILIES)
def test_benjamini_hochberg_equals_scipys(p_values):
    expected = stats.false_discovery_control(p_values, method="bh")
    np.testing.assert_allclose(benjamini_hochberg(np.array(p_values)), expected)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_adjustment_refuses_what_is_no_p_value(adjust):
    for wrong in (np.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="p-value 1 is"):
            adjust(np.array([0.5, wrong]))
    with pytest.raises(ValueError, match="one axis"):
        adjust(np.zeros((2, 2)))
    assert adjust(np.zeros(0)).size == 0


def test_cohens_h_equals_the_published_example():
    # Cohen 1988, table 6.2.2: phi of 0.50 and 0.60 are 1.571 and 1.772.
    assert cohens_h(0.6, 0.5) == pytest.approx(1.772 - 1.571, abs=1e-3)
    assert cohens_h(1.0, 0.0) == pytest.approx(math.pi)
    assert cohens_h(0.2, 0.7) == -cohens_h(0.7, 0.2)
    with pytest.raises(ValueError, match="no share"):
        cohens_h(1.2, 0.5)


@pytest.mark.parametrize("b, c", [(6, 16), (16, 6), (40, 12), (7, 7), (0, 9)])
def test_odds_ratio_has_the_interval_of_its_share(b, c):
    ends = stats.binomtest(b, b + c).proportion_ci(method="wilson")
    expected = (b / c, ends.low / (1 - ends.low), ends.high / (1 - ends.high))
    assert discordant_odds_ratio(b, c) == pytest.approx(expected)


def test_odds_ratio_where_one_model_is_never_alone_right():
    got = discordant_odds_ratio(9, 0)
    assert got.value == got.high == np.inf
    assert 1 < got.low < np.inf
    assert discordant_odds_ratio(0, 0) is None
    with pytest.raises(ValueError, match="0 or more"):
        discordant_odds_ratio(-1, 3)


def test_paired_d_is_t_by_the_root_of_n():
    random = np.random.default_rng(6)
    first, second = random.normal(0.3, 1.0, (2, 25))
    expected = stats.ttest_rel(first, second).statistic / 5
    assert cohens_d_paired(first - second) == pytest.approx(expected)
    assert cohens_d_paired(np.full(4, 0.1)) is None
    with pytest.raises(ValueError, match="two or more"):
        cohens_d_paired(np.array([1.0]))


def test_shown_differences_are_counted_after_holm():
    # In order: 0.001 x 5, 0.004 x 4, 0.015 x 3 are shown; 0.03 x 2 is 0.06 and so is not.
    p_values = np.array([0.03, 0.001, 0.015, 0.9, 0.004])
    gaps = np.array([0.1, 0.2, -0.1, 0.0, 0.1])
    got = shown_differences(p_values, gaps)
    assert got.counts() == (2, 1, 2)
    assert got.first.tolist() == [False, True, False, False, True]
    assert got.adjusted == pytest.approx([0.06, 0.005, 0.045, 0.9, 0.016])
    assert shown_differences(p_values, -gaps).counts() == (1, 2, 2)
    assert shown_differences(np.zeros(0), np.zeros(0)).counts() == (0, 0, 0)


def test_holm_keeps_the_chance_of_any_false_finding():
    random = np.random.default_rng(7)
    trials = 2000
    shared = random.normal(size=(trials, 1))
    scores = np.sqrt(0.5) * shared + np.sqrt(0.5) * random.normal(size=(trials, 13))
    p_values = 2 * stats.norm.sf(np.abs(scores))
    found = [
        sum(shown_differences(p, z).counts()[:2]) > 0 for p, z in zip(p_values, scores, strict=True)
    ]
    assert np.mean(found) < 0.06
    assert np.mean((p_values < 0.05).any(1)) > 0.2


def test_shown_differences_refuse_gaps_that_do_not_fit():
    for gaps in (np.zeros(2), np.array([0.0, np.nan, 1.0])):
        with pytest.raises(ValueError, match="one finite gap each"):
            shown_differences(np.full(3, 0.5), gaps)
