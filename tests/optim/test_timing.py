"""Whether a schedule fits into training: against the rates that it gives."""

import numpy as np
import pytest

from lqjax.optim.building import build_schedule
from lqjax.optim.timing import check_times
from tests.optim.running import config

STEPS_PER_EPOCH = 20


def rates(settings):
    steps = settings.training.epochs * STEPS_PER_EPOCH
    schedule = build_schedule(settings, steps, STEPS_PER_EPOCH)
    return np.array([float(schedule(step)) for step in range(steps)])


@pytest.mark.parametrize(
    ("epochs", "epochs_given", "fractions", "fits"),
    [
        (4, "30,60,80", "", False),
        (3, "3", "", False),
        (3, "2,30", "", True),
        (3, "0", "", False),
        (3, "", "", False),
        (3, "30", "0.5", True),
        (3, "2", "1", False),
        (1, "0.5", "", True),
    ],
)
def test_steps_are_allowed_where_the_rate_falls(epochs, epochs_given, fractions, fits):
    settings = config(
        schedule__name="step",
        schedule__step_epochs=epochs_given,
        schedule__step_fractions=fractions,
        training__epochs=epochs,
    )
    assert (np.ptp(rates(settings)) > 0) == fits
    if fits:
        check_times(settings)
        return
    with pytest.raises(ValueError, match=r"never lowers the rate of .*such as schedule\.step_fr"):
        check_times(settings)


@pytest.mark.parametrize("name", ["constant", "cosine", "plateau", "one_cycle"])
@pytest.mark.parametrize(("epochs", "warmup", "fits"), [(3, 3, False), (3, 5, False), (3, 2, True)])
def test_a_warm_up_ends_within_training(name, epochs, warmup, fits):
    settings = config(schedule__name=name, schedule__warmup_epochs=warmup, training__epochs=epochs)
    if fits:
        check_times(settings)
        return
    with pytest.raises(ValueError, match=rf"warmup_epochs={warmup} .* training\.epochs={epochs};"):
        check_times(settings)


def test_the_advice_fits_any_number_of_epochs():
    for epochs in (1, 2, 30):
        settings = config(
            schedule__name="step",
            schedule__step_fractions="0.33,0.67,0.89",
            training__epochs=epochs,
        )
        check_times(settings)
        assert np.ptp(rates(settings)) > 0
