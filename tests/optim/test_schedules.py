"""Schedules against PyTorch and against their definitions."""

import numpy as np
import pytest

from lqjax.optim.building import build_schedule, rate_factor
from lqjax.optim.plateau import plateau_factor
from tests.optim.running import config

PEAK, STEPS, STEPS_PER_EPOCH = 0.5, 40, 10


def rates(steps=STEPS, **settings):
    made = config(optimizer__learning_rate=PEAK, **settings)
    schedule = build_schedule(made, steps, STEPS_PER_EPOCH)
    return np.array([float(schedule(step)) for step in range(steps)])


@pytest.mark.parametrize("rise", [0.0, 0.02, 0.03, 0.3, 0.55, 0.99, 1.0])
def test_one_cycle_against_torch(rise):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=PEAK,
        total_steps=STEPS,
        pct_start=rise,
        div_factor=20.0,
        final_div_factor=1e3,
        cycle_momentum=False,
    )
    wanted = []
    for step in range(STEPS):
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < STEPS - 1:
            reference.step()
    found = rates(
        schedule__name="one_cycle",
        schedule__rise_fraction=rise,
        schedule__rise_factor=20,
        schedule__fall_factor=1000,
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_one_cycle_whose_peak_is_the_first_step():
    """PyTorch divides by zero here; it is the cosine from the peak to the last rate."""
    found = rates(schedule__name="one_cycle", schedule__rise_fraction=1 / STEPS)
    last = PEAK / 25 / 1e4
    wanted = last + (PEAK - last) * (1 + np.cos(np.pi * np.arange(STEPS) / (STEPS - 1))) / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_one_cycle_is_damped_by_a_warm_up_without_a_jump():
    plain = rates(schedule__name="one_cycle")
    found = rates(schedule__name="one_cycle", schedule__warmup_epochs=0.5)
    np.testing.assert_allclose(found[:5], plain[:5] * np.arange(1, 6) / 5, rtol=1e-5)
    np.testing.assert_array_equal(found[5:], plain[5:])


def test_step_by_fractions_in_place_of_epochs():
    found = rates(
        schedule__name="step",
        schedule__step_epochs="1",
        schedule__step_fractions="0.5,0.75",
        schedule__step_factor=0.2,
    )
    wanted = [PEAK] * 20 + [PEAK * 0.2] * 10 + [PEAK * 0.04] * 10
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_two_falls_in_one_step_both_count():
    found = rates(schedule__name="step", schedule__step_epochs="2.01,2.02")
    np.testing.assert_allclose(found, [PEAK] * 20 + [PEAK * 0.01] * 20, rtol=1e-5)


def test_a_fall_within_the_warm_up_counts():
    found = rates(schedule__name="step", schedule__step_epochs="0.5", schedule__warmup_epochs=1)
    wanted = PEAK * np.arange(1, 11) / 10 * np.where(np.arange(10) < 5, 1, 0.1)
    np.testing.assert_allclose(found[:10], wanted, rtol=1e-5)
    np.testing.assert_allclose(found[10:], PEAK * 0.1, rtol=1e-5)


@pytest.mark.parametrize("name", ["plateau", "one_cycle"])
def test_warm_up_of_one_step_changes_nothing(name):
    np.testing.assert_array_equal(
        rates(schedule__name=name, schedule__warmup_epochs=0.1), rates(schedule__name=name)
    )


def histories():
    generator = np.random.default_rng(0)
    falling = np.exp(-np.arange(60) / 20)
    return {
        "noisy": falling + 0.05 * generator.random(60),
        "flat": np.ones(30),
        "just above the threshold": 1.0 * 0.98 ** np.arange(30),
        "just below the threshold": 1.0 * 0.9999 ** np.arange(30),
        "worse and better": np.tile([1.0, 1.2, 1.1, 0.9, 1.3], 8),
        "below zero": -np.exp(np.arange(30) / 30),
    }


@pytest.mark.parametrize("patience", [0, 1, 4])
@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.01])
@pytest.mark.parametrize("name", histories())
def test_plateau_against_torch(name, patience, threshold):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, threshold=threshold, eps=0.0
    )
    settings = config(
        schedule__name="plateau",
        schedule__plateau_factor=0.5,
        schedule__plateau_patience=patience,
        schedule__plateau_threshold=threshold,
    )
    losses = histories()[name].tolist()
    for epoch, loss in enumerate(losses, 1):
        reference.step(loss)
        wanted = optimizer.param_groups[0]["lr"]
        assert plateau_factor(settings.schedule, losses[:epoch]) == wanted
        assert rate_factor(settings, losses[:epoch]) == wanted


def test_before_the_first_epoch_and_for_other_schedules_the_factor_is_one():
    assert rate_factor(config(schedule__name="plateau"), []) == 1.0
    assert rate_factor(config(schedule__name="cosine"), [1.0] * 50) == 1.0
    assert rate_factor(config(schedule__name="plateau"), [1.0] * 50) < 1.0
