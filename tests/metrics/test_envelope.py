"""The operating envelope against analytic curves, SciPy, scikit-learn and simulated coverage."""

import numpy as np
import pytest
from scipy import optimize
from sklearn.isotonic import IsotonicRegression

from lqjax.metrics.coordinate import from_coordinate, natural_coordinate, to_coordinate
from lqjax.metrics.crossing import ALREADY, NEVER, crossing_places
from lqjax.metrics.envelope import MILDER, STRONGER, WITHIN, operating_envelope
from lqjax.metrics.envelope_limits import envelope_to_drop, envelope_to_floor
from lqjax.metrics.isotonic import falling_fit
from lqjax.metrics.ladder import LEAST_LEVELS, ladder
from lqjax.metrics.ladder_accuracies import ladder_accuracies

QUALITIES = (95, 85, 75, 65, 55, 45, 35, 25, 15, 5)
STEPS = np.linspace(0.9, 0.0, 10)  # straight in quality: 0.1 every 10


def logistic(x, middle=6.0, width=1.0, top=0.95):
    return top / (1 + np.exp((x - middle) / width))


@pytest.mark.parametrize("seed", range(5))
def test_the_falling_fit_equals_scikit_learn_and_scipy(seed):
    rng = np.random.default_rng(seed)
    values = np.linspace(1, 0, 12) + rng.normal(0, 0.3, (40, 12))
    values[0] = values[0, 0]
    values[1] = np.sort(values[1])
    got = falling_fit(values)
    for row, fitted in zip(values, got, strict=True):
        sklearns = IsotonicRegression(increasing=False).fit_transform(np.arange(12), row)
        assert fitted == pytest.approx(sklearns, abs=1e-12)
        scipys = optimize.isotonic_regression(row, increasing=False).x
        assert fitted == pytest.approx(scipys, abs=1e-12)


def test_what_falls_already_stays_as_it_is():
    values = np.array([0.9, 0.9, 0.5, 0.2])
    assert falling_fit(values) == pytest.approx(values, abs=1e-15)


@pytest.mark.parametrize("limit", [0.9, 0.7, 0.4, 0.11])
def test_an_analytic_curve_is_met_where_it_should_be(limit):
    sigmas = np.linspace(1, 9, 401)
    expected = optimize.brentq(lambda x: logistic(x) - limit, 1, 9)
    found = operating_envelope(ladder("sigma", sigmas), logistic(sigmas), limit).found
    assert found.where == WITHIN
    assert found.level == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("coordinate", ["linear", "log"])
def test_between_two_levels_the_curve_is_straight_in_the_coordinate(coordinate):
    # With accuracies that are straight in the coordinate the crossing is exact.
    photons = np.geomspace(500, 5, 9)
    axis = np.log if coordinate == "log" else np.positive
    share = (axis(photons) - axis(5)) / (axis(500) - axis(5))
    found = operating_envelope(ladder("photons", photons, coordinate), share, 0.37).found
    assert axis(found.level) == pytest.approx(axis(5) + 0.37 * (axis(500) - axis(5)), rel=1e-12)


def test_the_coordinate_follows_the_spacing():
    assert ladder("photons", np.geomspace(500, 5, 9)).axis == "log"
    assert ladder("quality", QUALITIES).axis == "linear"
    assert ladder("sigma", np.arange(9.0)).axis == "linear"
    assert ladder("quality", QUALITIES, "log").axis == "log"
    assert natural_coordinate([1, 2, 4, 8]) == "log"


@pytest.mark.parametrize("coordinate", ["linear", "log"])
@pytest.mark.parametrize("levels", [[1, 2, 7], [7, 2, 1]])
def test_coordinates_turn_back(levels, coordinate):
    places = to_coordinate(levels, coordinate)
    assert (np.diff(places) > 0).all()
    got = [from_coordinate(place, levels, coordinate) for place in places]
    assert got == pytest.approx(levels)


def test_the_crossing_is_that_of_the_isotonic_curve():
    rng = np.random.default_rng(4)
    places = np.sort(rng.uniform(0, 10, 11))
    accuracies = np.clip(logistic(places) + rng.normal(0, 0.08, (60, 11)), 0, 1)
    limits = rng.uniform(0.3, 0.7, 60)
    got = crossing_places(places, accuracies, limits)
    for row, limit, place in zip(accuracies, limits, got, strict=True):
        curve = optimize.isotonic_regression(row, increasing=False).x
        fine = np.linspace(places[0], places[-1], 200_001)
        below = np.interp(fine, places, curve) <= limit
        if not below.any():
            assert place == NEVER
        elif curve[0] < limit:
            assert place == ALREADY
        else:
            assert place == pytest.approx(fine[below.argmax()], abs=1e-4)
    assert np.isfinite(got).sum() > 30


def test_ends_of_the_ladder_are_open():
    qualities = ladder("quality", QUALITIES)
    never = operating_envelope(qualities, STEPS / 10 + 0.9, 0.89)
    assert (never.found.where, never.found.level) == (STRONGER, None)
    assert never.text() == "never within the ladder, down to quality=5"
    already = operating_envelope(qualities, STEPS, 0.95)
    assert (already.found.where, already.found.level) == (MILDER, None)
    assert already.text() == "already at the mildest level, quality=95"
    rising = operating_envelope(ladder("sigma", range(9), unit="px"), np.full(9, 0.9), 0.5)
    assert rising.text() == "never within the ladder, up to sigma=8 px"


def test_large_levels_are_written_in_full():
    photons = ladder("photons", np.geomspace(16_000, 1_000, 9))
    found = operating_envelope(photons, np.linspace(0.9, 0.1, 9), 0.49)
    assert found.text() == "photons=3860"
    assert ladder("x", range(9), unit="px").text(2.345) == "x=2.35 px"


def test_the_ends_themselves_belong_to_the_ladder():
    qualities = ladder("quality", QUALITIES)
    assert operating_envelope(qualities, STEPS, 0.9).found.level == 95
    assert operating_envelope(qualities, STEPS, 0.0).found.level == 5


def test_a_limit_on_a_level_does_not_depend_on_binary_rounding():
    accuracies = [0.95, 0.93, 0.90, 0.90, 0.90, 0.5, 0.4, 0.3, 0.2]
    assert 0.95 - 0.05 < 0.9
    found = operating_envelope(ladder("sigma", range(1, 10)), accuracies, 0.95 - 0.05).found
    assert found.level == pytest.approx(3)


def test_a_falling_ladder_is_the_rising_one_seen_in_a_mirror():
    accuracies = logistic(np.arange(9.0)) + np.array([0, 0.02, 0, -0.03, 0.03, 0, 0, 0.01, 0])
    rising = operating_envelope(ladder("x", np.arange(9.0)), accuracies, 0.6)
    falling = operating_envelope(ladder("x", -np.arange(9.0)), accuracies, 0.6)
    assert falling.found.level == pytest.approx(-rising.found.level)
    ratios = np.geomspace(1, 50, 9)
    up = operating_envelope(ladder("x", ratios, "log"), accuracies, 0.6)
    down = operating_envelope(ladder("x", 1 / ratios, "log"), accuracies, 0.6)
    assert down.found.level == pytest.approx(1 / up.found.level)


def test_psnr_is_read_between_the_neighbours():
    qualities = ladder("quality", QUALITIES)
    psnr = np.linspace(45, 27, 10).tolist()
    found = operating_envelope(qualities, STEPS, 0.33, psnr=psnr).found
    expected = np.interp(found.level, QUALITIES[::-1], psnr[::-1])
    assert found.psnr == pytest.approx(expected)


def test_a_level_that_changes_nothing_has_no_psnr():
    sigmas = ladder("sigma", range(9))
    psnr = [None, 40, 38, 36, 34, 32, 30, np.inf, 26]
    accuracies = np.linspace(0.9, 0.1, 9)
    assert operating_envelope(sigmas, accuracies, 0.85, psnr=psnr).found.psnr is None
    assert operating_envelope(sigmas, accuracies, 0.65, psnr=psnr).found.psnr == pytest.approx(37)
    # On a level its own PSNR is enough.
    assert operating_envelope(sigmas, accuracies, 0.8, psnr=psnr).found.psnr == pytest.approx(40)
    assert operating_envelope(sigmas, accuracies, 0.15, psnr=psnr).found.psnr is None


def answers(seed, examples, levels, middle=6.0, width=1.0, top=0.95):
    """Draw a test set whose expected accuracy at x is `logistic(x)`, `top` on clean images."""
    rng = np.random.default_rng(seed)
    clean = rng.random(examples) < top
    stands = rng.logistic(middle, width, examples)
    return clean, clean & (stands > np.asarray(levels)[:, None])


def plain_bootstrap(clean, correct, levels, drop, floor, resamples, seed):
    """The percentile interval written out: images drawn by index, scikit-learn, numpy.interp."""
    rng = np.random.default_rng(seed)
    found = {"drop": [], "floor": []}
    for _ in range(resamples):
        drawn = rng.integers(0, clean.size, clean.size)
        accuracies = correct[:, drawn].mean(axis=1)
        curve = IsotonicRegression(increasing=False).fit_transform(levels, accuracies)
        fine = np.linspace(levels[0], levels[-1], 4001)
        heights = np.interp(fine, levels, curve)
        for name, limit in (("drop", clean[drawn].mean() - drop), ("floor", floor)):
            below = heights <= limit + 1e-9
            found[name].append(fine[below.argmax()] if below.any() else np.inf)
    return {
        name: np.quantile(values, [0.025, 0.975], method="nearest")
        for name, values in found.items()
    }


def test_the_interval_is_that_of_a_plain_bootstrap():
    levels = np.linspace(2, 9, 9)
    clean, correct = answers(0, 400, levels)
    got = ladder_accuracies(clean, correct, resamples=8000)
    by_drop = envelope_to_drop(ladder("sigma", levels), got, drop=0.1)
    by_floor = envelope_to_floor(ladder("sigma", levels), got, floor=0.6)
    expected = plain_bootstrap(clean, correct, levels, 0.1, 0.6, 1500, 1)
    for found, name in ((by_drop, "drop"), (by_floor, "floor")):
        ends = (found.mildest.level, found.strongest.level)
        width = ends[1] - ends[0]
        assert ends == pytest.approx(expected[name], abs=0.12 * width), name
        assert ends[0] < found.found.level < ends[1]
    assert by_drop.limit == pytest.approx(clean.mean() - 0.1)


def test_the_interval_holds_95_percent_of_the_samples():
    # Straight lines that cross 0.5 at 2.000, 2.001, ..., 5.999.
    crossings = np.random.default_rng(0).permutation(np.arange(2, 6, 0.001))
    curves = 0.5 - 0.05 * (np.arange(9.0) - crossings[:, None])
    found = operating_envelope(ladder("x", range(9)), curves[0], 0.5, curves)
    assert found.found.level == pytest.approx(crossings[0])
    assert found.mildest.level == pytest.approx(2.1, abs=0.002)
    assert found.strongest.level == pytest.approx(5.9, abs=0.002)


def test_the_order_of_the_images_does_not_move_the_crossing():
    levels = np.linspace(2, 9, 9)
    clean, correct = answers(1, 300, levels)
    order = np.random.default_rng(0).permutation(300)
    first = ladder_accuracies(clean, correct, resamples=4000)
    second = ladder_accuracies(clean[order], correct[:, order], resamples=4000)
    one = envelope_to_floor(ladder("sigma", levels), first, 0.6)
    two = envelope_to_floor(ladder("sigma", levels), second, 0.6)
    assert one.found == two.found
    assert one.mildest.level == pytest.approx(two.mildest.level, abs=0.05)
    assert one.strongest.level == pytest.approx(two.strongest.level, abs=0.05)


def test_the_order_of_resamples_moves_nothing():
    levels = np.linspace(2, 9, 9)
    got = ladder_accuracies(*answers(1, 300, levels), resamples=500)
    turned = got._replace(
        resampled_clean=got.resampled_clean[::-1], resampled_levels=got.resampled_levels[::-1]
    )
    sigmas = ladder("sigma", levels)
    assert envelope_to_drop(sigmas, got) == envelope_to_drop(sigmas, turned)


def test_groups_widen_the_interval():
    levels = np.linspace(2, 9, 9)
    clean, correct = answers(2, 100, levels)
    patients = np.repeat(np.arange(100), 5)
    many = ladder_accuracies(np.repeat(clean, 5), np.repeat(correct, 5, axis=1), None, 2000)
    grouped = ladder_accuracies(np.repeat(clean, 5), np.repeat(correct, 5, axis=1), patients, 2000)
    widths = [
        (found.strongest.level - found.mildest.level)
        for found in (
            envelope_to_floor(ladder("sigma", levels), each, 0.6) for each in (many, grouped)
        )
    ]
    assert widths[1] == pytest.approx(widths[0] * np.sqrt(5), rel=0.25)


def test_open_ends_of_the_interval_are_said():
    levels = np.linspace(2, 6, 9)
    clean, correct = answers(3, 120, levels)
    got = ladder_accuracies(clean, correct, resamples=2000)
    # At sigma 6 half of the images are lost: the floor lies near the end of the ladder.
    near_end = envelope_to_floor(ladder("sigma", levels), got, float(got.levels[-1]) + 0.01)
    assert near_end.found.where == WITHIN
    assert near_end.strongest.where == STRONGER and near_end.strongest.level is None
    assert near_end.text().endswith(", beyond 6]")
    near_start = envelope_to_floor(ladder("sigma", levels), got, float(got.levels[0]) - 0.005)
    assert near_start.mildest.where == MILDER
    assert "[milder than 2, " in near_start.text()
    falling = ladder("quality", QUALITIES[:9])
    assert "[beyond 15, " in envelope_to_floor(falling, got, near_end.limit).text()


def test_a_far_limit_is_open_on_both_sides():
    levels = np.linspace(2, 4, 9)
    found = envelope_to_floor(
        ladder("sigma", levels), ladder_accuracies(*answers(3, 400, levels), resamples=500), 0.3
    )
    assert found.text() == "never within the ladder, up to sigma=4 [beyond 4, beyond 4]"


def test_images_that_all_answer_alike_have_no_interval():
    alike = ladder_accuracies(np.ones(20, bool), np.ones((9, 20), bool), resamples=100)
    found = envelope_to_drop(ladder("sigma", range(9)), alike)
    assert found.found.where == STRONGER
    assert found.mildest is None and found.strongest is None
    assert found.text() == "never within the ladder, up to sigma=8"


@pytest.mark.parametrize("levels", [np.linspace(1, 9, 9), np.linspace(9, 1, 9)])
def test_the_interval_covers_the_true_crossing(levels):
    rising = levels[0] < levels[-1]
    damage = levels if rising else 10 - levels
    truths = {
        "drop": optimize.brentq(lambda x: logistic(x) - 0.90, 1, 9),
        "floor": optimize.brentq(lambda x: logistic(x) - 0.70, 1, 9),
    }
    covered = {"drop": 0, "floor": 0}
    trials = 300
    steps = ladder("level", levels)
    for trial in range(trials):
        got = ladder_accuracies(*answers(trial, 200, damage), resamples=500, seed=trial)
        for name, found in (
            ("drop", envelope_to_drop(steps, got)),
            ("floor", envelope_to_floor(steps, got, 0.70)),
        ):
            low, high = (_damage(end, rising) for end in (found.mildest, found.strongest))
            covered[name] += low <= truths[name] <= high
    assert all(0.90 <= count / trials <= 0.99 for count in covered.values()), covered


def _damage(end, rising):
    outside = {MILDER: -np.inf, STRONGER: np.inf}
    if end.where in outside:
        return outside[end.where]
    return end.level if rising else 10 - end.level


def test_few_levels_are_refused():
    assert LEAST_LEVELS == 9
    with pytest.raises(ValueError, match="quality has 8 levels; an operating envelope needs 9 or"):
        ladder("quality", QUALITIES[:8])
    ladder("quality", QUALITIES[:9])


@pytest.mark.parametrize(
    "levels, coordinate, message",
    [
        ([1, 2, 3, 4, 5, 6, 7, 9, 8], "", "turn back; order them from the mildest"),
        ([1, 2, 3, 4, 5, 6, 7, 8, 8], "", "each once"),
        (range(9), "log", "have no logarithm"),
        (range(9), "cubic", "allowed: linear, log"),
    ],
)
def test_ladders_that_are_none_are_refused(levels, coordinate, message):
    with pytest.raises(ValueError, match=message):
        ladder("x", levels, coordinate)


def test_numbers_that_do_not_fit_are_refused():
    qualities = ladder("quality", QUALITIES)
    with pytest.raises(ValueError, match="the ladder of quality has 10 levels"):
        operating_envelope(qualities, STEPS[:9], 0.5)
    with pytest.raises(ValueError, match="PSNR values have shape"):
        operating_envelope(qualities, STEPS, 0.5, psnr=[30.0])
    with pytest.raises(ValueError, match="resampled accuracies have shape"):
        operating_envelope(qualities, STEPS, 0.5, np.zeros((5, 9)))
    with pytest.raises(ValueError, match="divide percentages"):
        operating_envelope(qualities, 100 * STEPS, 0.5)
    with pytest.raises(ValueError, match="divide percentages"):
        operating_envelope(qualities, np.full(10, np.nan), 0.5)
    with pytest.raises(ValueError, match="limit=nan"):
        operating_envelope(qualities, STEPS, np.nan)
    got = ladder_accuracies(np.ones(4, bool), np.ones((9, 4), bool), resamples=10)
    with pytest.raises(ValueError, match="drop=5"):
        envelope_to_drop(ladder("x", range(9)), got, drop=5)
    with pytest.raises(ValueError, match="floor=90"):
        envelope_to_floor(ladder("x", range(9)), got, floor=90)
    with pytest.raises(ValueError, match="do not match"):
        ladder_accuracies(np.ones(4, bool), np.ones((9, 5), bool))
