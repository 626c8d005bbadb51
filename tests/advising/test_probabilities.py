"""Probabilities against enumeration, SciPy's distributions and simulated studies."""

import itertools

import numpy as np
import pytest
from scipy import stats

from lqjax.advising.advise import advise
from lqjax.advising.certainty import best_in, meets_in
from lqjax.advising.deciding import decide
from lqjax.advising.drawing import draw
from lqjax.advising.mixture import read_mixture
from lqjax.advising.needs import Needs
from lqjax.advising.screening import prices
from lqjax.metrics.corrected_t import corrected_t, fold_ratio
from tests.advising.studies import study_of

DRAWS = 10_000
ERRORS = 4.5
"""Standard errors of a simulated share that a test allows."""


def allowed(share, draws=DRAWS):
    return ERRORS * np.sqrt(max(share * (1 - share), 1e-4) / draws)


def drawn(study, mixture="", models=None):
    return draw(study, read_mixture(mixture, study.conditions), models or study.models)


def test_the_best_against_every_possible_resample():
    rng = np.random.default_rng(3)
    shares = {"clean": 0.6, "blur@1": 0.2, "blur@2": 0.2}
    right = {m: {c: rng.random(5) < 0.6 for c in shares} for m in "abc"}
    scores = np.stack(
        [sum(shares[c] * right[m][c] for c in shares) for m in "abc"]
    )  # (models, images)
    wanted = np.zeros(3)
    for pick in itertools.product(range(5), repeat=5):
        means = scores[:, list(pick)].mean(axis=1).round(9)
        wanted += (means == means.max()) / (means == means.max()).sum()
    wanted /= 5**5
    draws = drawn(study_of(right), "clean=6,blur@*=4")
    for model, share in zip("abc", wanted, strict=True):
        assert best_in(draws, model, "abc").mean() == pytest.approx(share, abs=allowed(share))


def test_the_floor_against_the_binomial_distribution():
    study = study_of({"a": {"clean": np.arange(40) < 33}})
    draws = drawn(study)
    for hits in (28, 31, 33, 36):
        share = stats.binom.sf(hits - 1, 40, 33 / 40)
        found = meets_in(draws, "a", hits / 40).mean()
        assert found == pytest.approx(share, abs=allowed(share))


def test_groups_are_drawn_whole():
    right = np.repeat([1, 1, 0, 1], 10)
    study = study_of({"a": {"clean": right}}, groups=np.repeat(range(4), 10))
    share = stats.binom.sf(2, 4, 0.75)
    assert meets_in(drawn(study), "a", 0.75).mean() == pytest.approx(share, abs=allowed(share))


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_runs_that_are_drawn_again_spread_as_their_mean_does(seeds):
    runs = np.arange(seeds) % 2  # a run is right everywhere, or nowhere: images do not matter
    study = study_of({"a": {"clean": np.repeat(runs[:, None], 20, axis=1)}})
    column = drawn(study).column("a")
    assert column.mean() == pytest.approx(runs.mean(), abs=0.02)
    assert column.var() == pytest.approx(runs.var(ddof=1) / seeds, rel=0.06)


def test_two_runs_are_not_drawn_again():
    runs = np.repeat([[0], [1]], 20, axis=1)
    draws = drawn(study_of({"a": {"clean": runs}}))
    assert draws.redrawn == () and np.all(draws.column("a") == 0.5)


def test_folds_have_the_probability_of_the_corrected_t_test():
    rng = np.random.default_rng(0)
    right = {"a": {"clean": rng.random(400) < 0.85}, "b": {"clean": rng.random(400) < 0.82}}
    study = study_of(right, folds=5)
    gaps = study.by_fold(right["a"]["clean"] * 1.0 - right["b"]["clean"])
    found = corrected_t(gaps, fold_ratio(5))
    share = stats.t.cdf(found.statistic, 4)
    draws = drawn(study)
    assert best_in(draws, "a", "ab").mean() == pytest.approx(share, abs=allowed(share))
    assert draws.gap("a", "b") == pytest.approx(found.mean)


def decided(study, **needs):
    wanted = Needs(**needs)
    mixture = read_mixture(wanted.mixture, study.conditions)
    return decide(draw(study, mixture, study.models), study.models, wanted, prices(study))


@pytest.mark.parametrize("differing", [0, 1, 3, 4, 6])
def test_few_images_cannot_be_surer_than_their_number_allows(differing):
    better = np.ones(200, bool)
    worse = np.arange(200) >= differing
    found = decided(study_of({"a": {"clean": better}, "b": {"clean": worse}}))
    most = stats.beta.sf(0.5, differing + 1, 1)  # all of them for one model, uniform prior
    assert found.probability <= most
    assert found.probability >= most - 0.03
    assert (found.outcome == "chosen") == (differing >= 4)


def test_few_images_cannot_be_sure_of_a_floor():
    found = decided(study_of({"a": {"clean": np.ones(10, bool)}}), floor_accuracy=0.9)
    assert found.probability == pytest.approx(stats.beta.sf(0.9, 11, 1))
    assert found.outcome == "not decided"
    wrong = decided(study_of({"a": {"clean": np.zeros(3, bool)}}), floor_accuracy=0.5)
    assert wrong.outcome == "not decided"
    none = decided(study_of({"a": {"clean": np.zeros(9, bool)}}), floor_accuracy=0.5)
    assert (none.outcome, none.probability) == ("none", pytest.approx(stats.beta.cdf(0.5, 1, 10)))


def test_choices_are_right_as_often_as_they_say():
    """Simulate studies of which the truth is known; gaps of any size are as likely either way."""
    rng = np.random.default_rng(1)
    said, right = [], []
    for _ in range(800):
        truth = dict(zip("ab", rng.uniform(0.55, 0.85, 2), strict=True))
        ease = rng.random(250)
        answers = {  # the same images are hard for both, as in use
            m: {"clean": rng.random(250) < p + 0.15 * np.where(ease < 0.5, -1, 1)}
            for m, p in truth.items()
        }
        study = study_of(answers)
        draws = draw(study, read_mixture("", study.conditions), study.models, resamples=300)
        found = decide(draws, study.models, Needs(), prices(study))
        said.append(found.probability)
        right.append(truth[found.leader] == max(truth.values()))
    said, right = np.array(said), np.array(right)
    assert 0.8 < right.mean() < 0.97 and said.min() < 0.6
    error = np.sqrt(right.var() / len(right))
    assert right.mean() == pytest.approx(said.mean(), abs=3 * error)
    sure = said >= 0.95
    assert sure.sum() > 300 and right[sure].mean() > 0.97
    unsure = said < 0.9
    assert unsure.sum() > 100 and right[unsure].mean() < 0.85


def test_equal_networks_are_not_told_apart():
    right = np.random.default_rng(0).random(300) < 0.8
    found = advise(study_of({"a": {"clean": right}, "b": {"clean": right}}), Needs())
    assert (found.outcome, found.model, found.probability) == ("not decided", "", 0.5)
