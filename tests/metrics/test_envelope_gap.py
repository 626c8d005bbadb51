"""Whose envelope is wider, against a bootstrap written out with SciPy's isotonic regression."""

import math

import numpy as np
import pytest
from scipy import optimize

from lqjax.metrics.envelope_gap import envelope_gap
from lqjax.metrics.ladder import ladder
from lqjax.metrics.ladder_accuracies import ladder_accuracies

IMAGES, RESAMPLES = 150, 300
SIGMAS = np.linspace(0.1, 0.9, 9)


def answers(strength, seed=0, noise=0.15):
    """Each image stands so much, and answers at random a little beside that."""
    rng = np.random.default_rng(seed)
    stands = np.linspace(0, 1, IMAGES) + strength
    return np.stack([stands + rng.normal(0, noise, IMAGES) > sigma for sigma in SIGMAS])


def crossing(levels, accuracies, limit):
    curve = optimize.isotonic_regression(accuracies, increasing=False).x
    if curve[0] < limit - 1e-9:
        return -math.inf
    for a, b, upper, lower in zip(levels, levels[1:], curve, curve[1:], strict=False):
        if lower <= limit + 1e-9:
            return a + (b - a) * (upper - limit) / (upper - lower) if upper > limit else a
    return math.inf


def drawn():
    """The very test sets that are drawn: the definition of the drawing, not of what follows."""
    return np.random.default_rng(0).integers(0, IMAGES, (RESAMPLES, IMAGES))


@pytest.mark.parametrize("limit", [{"drop": 0.1}, {"floor": 0.6}])
@pytest.mark.parametrize("axis", ["linear", "log"])
def test_the_paired_interval_is_that_of_a_bootstrap_written_out(limit, axis):
    clean = np.ones(IMAGES, bool)
    clean[::7] = False
    first, second = answers(0.35, 1), answers(0.2, 2)
    found = envelope_gap(
        ladder("sigma", SIGMAS, axis),
        ladder_accuracies(clean, first, resamples=RESAMPLES),
        ladder_accuracies(clean, second, resamples=RESAMPLES),
        **limit,
    )
    places = np.log(SIGMAS) if axis == "log" else SIGMAS

    def apart(rows):
        bound = clean[rows].mean() - limit["drop"] if "drop" in limit else limit["floor"]
        ends = [crossing(places, a[:, rows].mean(axis=1), bound) for a in (first, second)]
        return 0.0 if ends[0] == ends[1] else ends[0] - ends[1]

    differences = sorted(apart(rows) for rows in drawn())
    rank = math.floor(0.025 * (RESAMPLES - 1))
    expected = [apart(np.arange(IMAGES)), differences[rank], differences[-1 - rank]]
    assert list(found.reach) == pytest.approx(expected, abs=1e-9)
    factor = found.in_unit()
    assert list(factor) == pytest.approx(np.exp(expected) if axis == "log" else expected)


def gap(first, second, clean=None, **limit):
    clean = np.ones(IMAGES, bool) if clean is None else clean
    pair = [ladder_accuracies(clean, a, resamples=RESAMPLES) for a in (first, second)]
    return envelope_gap(ladder("sigma", SIGMAS), *pair, **(limit or {"floor": 0.5}))


def test_turning_the_pair_turns_the_gap():
    first, second = answers(0.4, 1), answers(0.2, 2)
    forth, back = gap(first, second), gap(second, first)
    assert forth.shown and back.shown
    assert forth.in_unit() == pytest.approx(back.in_unit(turned=True))


def test_equal_models_are_not_told_apart():
    same = answers(0.3)
    found = gap(same, same)
    assert found.reach == (0, 0, 0) and not found.shown


def test_one_that_never_falls_stands_more_though_nobody_can_say_by_how_much():
    robust = np.ones((9, IMAGES), bool)
    found = gap(robust, answers(0.2, 2))
    assert found.reach.value == math.inf and found.shown
    both = gap(robust, answers(2.0, noise=0.01))
    assert both.reach.value == 0 and not both.shown


def test_without_any_variation_nothing_is_shown():
    robust = np.ones((9, IMAGES), bool)
    found = gap(robust, np.zeros((9, IMAGES), bool))
    assert found.reach.value == math.inf and not found.shown


def test_several_runs_count_by_their_share():
    runs = [answers(0.3, seed) for seed in (1, 2, 3)]
    clean = np.ones(IMAGES)
    found = ladder_accuracies(clean, np.mean(runs, axis=0), resamples=50)
    one = [ladder_accuracies(clean, run, resamples=50) for run in runs]
    assert found.levels == pytest.approx(np.mean([a.levels for a in one], axis=0))
    assert found.resampled_levels == pytest.approx(
        np.mean([a.resampled_levels for a in one], axis=0)
    )


def test_what_cannot_be_compared_is_refused():
    few = ladder_accuracies(np.ones(IMAGES), answers(0.3), resamples=20)
    more = ladder_accuracies(np.ones(IMAGES), answers(0.3), resamples=30)
    scale = ladder("sigma", SIGMAS)
    with pytest.raises(ValueError, match="20 and 30 resamples are not pairs"):
        envelope_gap(scale, few, more, drop=0.05)
    for limits in ({}, {"drop": 0.05, "floor": 0.9}):
        with pytest.raises(ValueError, match="give one of both"):
            envelope_gap(scale, few, few, **limits)
    with pytest.raises(ValueError, match=r"right \(1\) or wrong \(0\), or shares"):
        ladder_accuracies(np.full(IMAGES, 2), answers(0.3))
