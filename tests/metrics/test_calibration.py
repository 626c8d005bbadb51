"""Calibration against scikit-learn, SciPy, plain loops and examples worked by hand."""

import itertools

import numpy as np
import pytest
from scipy import special
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from lqjax.metrics.binning import bin_index, equal_mass_edges, equal_width_edges
from lqjax.metrics.brier import brier_score
from lqjax.metrics.brier_decomposition import decompose_brier, decompose_brier_over_classes
from lqjax.metrics.calibration_error import (
    adaptive_calibration_error,
    expected_calibration_error,
)
from lqjax.metrics.reliability import adaptive_reliability_diagram, reliability_diagram
from lqjax.metrics.softmax import softmax
from lqjax.metrics.summary import summarise
from tests.metrics.hard_cases import draw


def answers(n, seed=0, skew=0.15):
    """Draw confidences, and answers that are right less often than they claim."""
    rng = np.random.default_rng(seed)
    confidences = rng.beta(3, 1, n)
    return confidences, rng.random(n) < confidences - skew


@pytest.mark.parametrize("scale", [0.1, 1, 30, 1e30])
def test_softmax_equals_scipy(scale):
    logits = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32) * np.float32(scale)
    got = softmax(logits)
    wide = logits.astype(np.float64)
    np.testing.assert_allclose(got.probabilities, special.softmax(wide, axis=1), atol=1e-15)
    np.testing.assert_allclose(got.logs, special.log_softmax(wide, axis=1), rtol=1e-14, atol=1e-14)
    assert np.array_equal(got.confidences, got.probabilities.max(1))


def plain_calibration_error(confidences, correct, ends):
    """Loop over bins (low, high]; the first holds its low end as well."""
    error = 0.0
    for i, (low, high) in enumerate(ends):
        inside = [
            (c, r)
            for c, r in zip(confidences, correct, strict=True)
            if low < c <= high or (i == 0 and c == low)
        ]
        if inside:
            gap = sum(r for _, r in inside) / len(inside) - sum(c for c, _ in inside) / len(inside)
            error += len(inside) / len(confidences) * abs(gap)
    return error


@pytest.mark.parametrize("n", [1, 5, 400])
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_expected_calibration_error_equals_a_plain_loop(n, bins):
    confidences, correct = answers(n, n)
    ends = [(i / bins, (i + 1) / bins) for i in range(bins)]
    expected = plain_calibration_error(confidences, correct, ends)
    assert expected_calibration_error(confidences, correct, bins) == pytest.approx(expected)


@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
def test_reliability_diagram_equals_scikit_learn(skew):
    confidences, correct = answers(300, 1, skew)
    got = reliability_diagram(confidences, correct)
    shares, means = calibration_curve(correct, confidences, n_bins=15, strategy="uniform")
    filled = got.counts > 0
    np.testing.assert_allclose(got.accuracy[filled], shares)
    np.testing.assert_allclose(got.confidence[filled], means)
    assert got.counts.sum() == 300 and got.edges.tolist() == [i / 15 for i in range(16)]


def test_calibration_error_by_hand():
    # Bins of 0.5: {0.3 wrong, 0.5 right} and {0.9 right, 0.9 wrong, 1.0 right}:
    # 2/5 |1/2 - 0.4| + 3/5 |2/3 - 2.8/3| = 0.04 + 0.16.
    confidences = np.array([0.3, 0.9, 0.5, 0.9, 1.0])
    correct = np.array([False, True, True, False, True])
    assert expected_calibration_error(confidences, correct, bins=2) == pytest.approx(0.2)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below():
    edges = equal_width_edges(15)
    assert bin_index(edges, edges).tolist() == [0, *range(15)]
    just_above = np.nextafter(edges[1:-1], 1)
    assert bin_index(just_above, edges).tolist() == list(range(1, 15))


@pytest.mark.parametrize("classes", [3, 5, 15])
def test_a_network_that_knows_nothing_stands_exactly_on_an_edge(classes):
    confidences = softmax(np.zeros((4, classes), np.float32)).confidences
    assert bin_index(confidences, equal_width_edges(15)).tolist() == [15 // classes - 1] * 4


def test_empty_bins_have_no_confidence_and_no_weight():
    got = reliability_diagram(np.array([0.95, 0.97]), np.array([True, True]))
    assert np.isnan(got.confidence[:-1]).all() and np.isnan(got.accuracy[:-1]).all()
    assert (got.confidence[-1], got.accuracy[-1]) == pytest.approx((0.96, 1.0))
    assert expected_calibration_error(np.array([0.95, 0.97]), np.ones(2, bool)) == pytest.approx(
        0.04
    )


@pytest.mark.parametrize("n, bins", [(400, 15), (15, 15), (7, 15), (1, 15), (100, 1)])
def test_adaptive_bins_hold_equally_many_and_equal_a_plain_loop(n, bins):
    confidences, correct = answers(n, n)
    got = adaptive_reliability_diagram(confidences, correct, bins)
    assert got.counts.sum() == n and got.counts.max() - got.counts.min() <= 1
    # Without ties: cut the sorted answers at rank ceil(i N / M), counted in whole numbers.
    order = sorted(range(n), key=lambda i: confidences[i])
    cuts = [(i * n + bins - 1) // bins for i in range(bins + 1)]
    error = 0.0
    for low, high in itertools.pairwise(cuts):
        part = order[low:high]
        if part:
            gap = sum(correct[i] for i in part) - sum(confidences[i] for i in part)
            error += abs(gap) / n
    assert adaptive_calibration_error(confidences, correct, bins) == pytest.approx(error)


def test_adaptive_bins_do_not_part_ties_and_ignore_the_order():
    confidences = np.array([0.5, 0.9, 0.9, 0.9, 0.9, 1.0])
    correct = np.array([True, True, False, False, True, True])
    got = adaptive_reliability_diagram(confidences, correct, 3)
    # Ends by rank: 2nd, 4th and 6th value, which are 0.9, 0.9 and 1.
    assert got.edges.tolist() == [0.5, 0.9, 0.9, 1.0]
    assert got.counts.tolist() == [5, 0, 1]
    first = adaptive_calibration_error(confidences, correct, 3)
    assert first == pytest.approx(
        plain_calibration_error(confidences, correct, [(0, 0.9), (0.9, 1)])
    )
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(6)
        again = adaptive_calibration_error(confidences[order], correct[order], 3)
        assert again == pytest.approx(first, abs=1e-15)


def test_equal_mass_edges_of_one_value():
    assert equal_mass_edges(np.full(9, 0.7), 3).tolist() == [0.7] * 4


def test_brier_score_equals_a_plain_loop_and_scikit_learn():
    logits, labels = draw(60, 4, 1.5)
    shares = special.softmax(logits, axis=1)
    total = sum(
        (shares[i, k] - (labels[i] == k)) ** 2 for i in range(len(labels)) for k in range(4)
    )
    assert brier_score(shares, labels) == pytest.approx(total / len(labels), abs=1e-12)
    two, right = special.softmax(logits[:, :2], axis=1), labels % 2
    halved = sklearn.brier_score_loss(right, two[:, 1])
    assert brier_score(two, right) == pytest.approx(2 * halved, abs=1e-12)


def test_brier_score_of_the_extremes():
    certain = np.eye(3)
    assert brier_score(certain, np.array([0, 1, 2])) == 0
    assert brier_score(certain, np.array([1, 2, 0])) == 2
    assert brier_score(np.full((2, 4), 0.25), np.array([0, 3])) == pytest.approx(0.75)
    assert brier_score(np.full((2, 1), 1.0), np.array([0, 0])) == 0


@pytest.mark.parametrize("n, bins", [(1, 15), (7, 15), (500, 15), (500, 2), (500, 1)])
def test_brier_decomposition_adds_up_to_the_score(n, bins):
    forecasts, outcomes = answers(n, n)
    got = decompose_brier(forecasts, outcomes, bins)
    assert got.total == pytest.approx(np.mean((forecasts - outcomes) ** 2), abs=1e-12)
    assert min(got.reliability, got.resolution, got.uncertainty, got.variance_within) >= 0


def test_brier_decomposition_of_equal_forecasts_is_murphys():
    # Forecasts 0.2 (1 of 4 comes true) and 0.8 (3 of 4): reliability 0.05^2, base rate 1/2.
    forecasts = np.repeat([0.2, 0.8], 4)
    outcomes = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    got = decompose_brier(forecasts, outcomes)
    assert got[:3] == pytest.approx((0.0025, 0.0625, 0.25))
    assert got[3:] == pytest.approx((0, 0), abs=1e-15)
    assert got.total == pytest.approx(sklearn.brier_score_loss(outcomes, forecasts))


def test_brier_decomposition_parts_equal_a_plain_loop():
    forecasts, outcomes = answers(200, 3)
    got = decompose_brier(forecasts, outcomes, 4)
    base, n = outcomes.mean(), len(outcomes)
    parts = np.zeros(4)
    for b in range(4):
        inside = [i for i in range(n) if b / 4 < forecasts[i] <= (b + 1) / 4]
        f, o = forecasts[inside], outcomes[inside].astype(float)
        if len(inside):
            parts += [
                len(f) / n * (f.mean() - o.mean()) ** 2,
                len(f) / n * (o.mean() - base) ** 2,
                f.var() * len(f) / n,
                2 * np.cov(f, o, bias=True)[0, 1] * len(f) / n if len(f) > 1 else 0,
            ]
    mine = (got.reliability, got.resolution, got.variance_within, got.covariance_within)
    assert mine == pytest.approx(parts)
    assert got.uncertainty == pytest.approx(outcomes.var())


def test_brier_decomposition_over_classes_adds_up_to_the_score_of_all_classes():
    logits, labels = draw(150, 5, 2.0)
    shares = special.softmax(logits, axis=1)
    got = decompose_brier_over_classes(shares, labels)
    assert got.total == pytest.approx(brier_score(shares, labels), abs=1e-12)
    frequency = np.bincount(labels, minlength=5) / len(labels)
    assert got.uncertainty == pytest.approx(1 - (frequency**2).sum())


def test_summary_carries_brier_score_and_calibration_error():
    logits, labels = draw(80, 6, 2.0)
    shares = special.softmax(logits, axis=1)
    got = summarise(logits, labels)
    assert got["brier"] == pytest.approx(brier_score(shares, labels), abs=1e-12)
    expected = plain_calibration_error(
        shares.max(1), shares.argmax(1) == labels, [(i / 15, (i + 1) / 15) for i in range(15)]
    )
    assert got["ece"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "confidences, correct, message",
    [
        (np.zeros(0), np.zeros(0, bool), "no examples"),
        (np.zeros(2), np.zeros(3, bool), "do not match"),
        (np.array([0.5, 1.5]), np.zeros(2, bool), "probability 1.5 of example 1"),
        (np.array([-0.1, 0.5]), np.zeros(2, bool), "probability -0.1 of example 0"),
        (np.array([np.nan, 0.5]), np.zeros(2, bool), "of example 0 is not possible"),
    ],
)
def test_calibration_refuses_what_is_no_probability(confidences, correct, message):
    for metric in (expected_calibration_error, adaptive_calibration_error, decompose_brier):
        with pytest.raises(ValueError, match=message):
            metric(confidences, correct)


def test_no_bins_are_refused():
    for metric in (expected_calibration_error, adaptive_calibration_error, decompose_brier):
        with pytest.raises(ValueError, match="bins=0"):
            metric(np.array([0.5]), np.array([True]), bins=0)
