"""Temperature scaling against SciPy, and where there is nothing to find."""

import numpy as np
import pytest
from scipy import optimize, special

from lqjax.metrics.calibration_error import expected_calibration_error
from lqjax.metrics.log_loss import log_loss
from lqjax.metrics.softmax import softmax
from lqjax.metrics.temperature import HIGHEST, LOWEST, fit_temperature
from tests.metrics.hard_cases import draw


def mean_log_loss(logits, labels, temperature):
    logs = special.log_softmax(logits / temperature, axis=1)
    return -logs[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("n, classes", [(4, 2), (200, 2), (200, 10), (300, 40)])
@pytest.mark.parametrize("sharpen", [0.2, 1.0, 5.0])
def test_temperature_equals_scipys(n, classes, sharpen):
    logits, labels = draw(n, classes, sharpen, seed=n + classes)
    got = fit_temperature(logits, labels)
    found = optimize.minimize_scalar(
        lambda log: mean_log_loss(logits, labels, np.exp(log)),
        bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert not got.note
    assert got.value == pytest.approx(np.exp(found.x), rel=1e-6)
    assert mean_log_loss(logits, labels, got.value) <= found.fun + 1e-12


def test_temperature_is_the_zero_of_the_slope():
    logits, labels = draw(300, 6, 4.0)

    def slope(temperature):
        shares = special.softmax(logits / temperature, axis=1)
        own = logits[np.arange(len(labels)), labels]
        return ((shares * logits).sum(1) - own).mean()

    expected = optimize.brentq(slope, LOWEST, HIGHEST, xtol=1e-13)
    assert fit_temperature(logits, labels).value == pytest.approx(expected, rel=1e-10)


def test_temperature_takes_few_steps(monkeypatch):
    logits, labels = draw(300, 6, 4.0)
    unhurried = fit_temperature(logits, labels)
    monkeypatch.setattr("lqjax.metrics.temperature.MOST_STEPS", 10)
    assert fit_temperature(logits, labels).value == pytest.approx(unhurried.value, rel=1e-11)


def test_temperature_finds_the_factor_by_which_logits_are_too_sharp():
    logits, labels = draw(4000, 5, 3.0)
    got = fit_temperature(logits, labels)
    assert got.value == pytest.approx(3.0, rel=0.06)
    before, after = softmax(logits), softmax(logits / got.value)
    correct = logits.argmax(1) == labels
    assert expected_calibration_error(after.confidences, correct) < 0.03
    assert expected_calibration_error(before.confidences, correct) > 0.1
    assert log_loss(logits / got.value, labels) < log_loss(logits, labels)


def test_temperature_of_a_network_that_is_always_right_is_the_lowest():
    got = fit_temperature(3 * np.eye(4), np.arange(4))
    assert got.value == LOWEST and "every validation image is classified correctly" in got.note


def test_temperature_of_a_network_that_is_always_wrong_is_the_highest():
    got = fit_temperature(-3 * np.eye(4), np.arange(4))
    assert got.value == HIGHEST and "T = 100" in got.note and "correctly" not in got.note


@pytest.mark.parametrize("logits", [np.array([[2.0], [3.0]]), np.full((2, 5), 7.0)])
def test_temperature_that_makes_no_difference_is_one(logits):
    got = fit_temperature(logits, np.zeros(2, int))
    assert got.value == 1 and "every temperature" in got.note


@pytest.mark.parametrize("scale", [1e-3, 1e4, 1e30])
def test_temperature_beyond_the_range_is_its_end(scale):
    logits, labels = draw(200, 3, scale)
    got = fit_temperature(logits.astype(np.float32), labels)
    assert got.value == (LOWEST if scale < 1 else HIGHEST) and "range searched" in got.note


@pytest.mark.parametrize("outlier", [1e3, 1e8])
def test_temperature_survives_one_wild_image(outlier):
    logits, labels = draw(100, 3, 1.0)
    logits[0, labels[0]] = outlier
    found = optimize.minimize_scalar(
        lambda log: mean_log_loss(logits, labels, np.exp(log)),
        bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert fit_temperature(logits, labels).value == pytest.approx(np.exp(found.x), rel=1e-6)


def test_temperature_refuses_what_has_no_loss():
    with pytest.raises(ValueError, match="not finite"):
        fit_temperature(np.array([[0.0, np.inf]]), np.array([0]))
