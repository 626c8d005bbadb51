"""Steps, rates, and the end of training."""

import dataclasses

import numpy as np
import pytest

from lqjax.rows import Epoch
from lqjax.training.plan import is_finished, make_plan
from tests.training.small import config

BASE = Epoch("tiny", 0, 0, 1, 4, 0.1, 1, 0.5, 1, 0.5, 1, 1)


def test_the_incomplete_batch_is_left_out_and_rates_count_over_all_epochs():
    settings = config(
        schedule__name="cosine",
        optimizer__learning_rate=0.5,
        schedule__warmup_epochs=1,
        training__epochs=3,
    )
    plan = make_plan(settings, 70)
    assert plan.steps_per_epoch == 4
    total, warmup = 12, 4
    steps = np.arange(total)
    fall = (steps - warmup) / (total - warmup)
    expected = np.where(
        steps < warmup, 0.5 * (steps + 1) / warmup, 0.25 * (1 + np.cos(np.pi * fall))
    )
    np.testing.assert_allclose(plan.rates(0, total), expected, rtol=1e-5)
    np.testing.assert_allclose(plan.rates(4, 4), expected[4:8], rtol=1e-5)


def test_a_batch_larger_than_the_data_is_refused():
    assert make_plan(config(training__batch_size=64), 64).steps_per_epoch == 1
    with pytest.raises(ValueError, match=r"training.batch_size=65 .* 64 training images"):
        make_plan(config(training__batch_size=65), 64)


@pytest.mark.parametrize(
    ("settings", "accuracies", "finished"),
    [
        ({}, [], False),
        ({}, [0.5, 0.5, 0.5], False),
        ({"epochs": 3}, [0.5, 0.6, 0.7], True),
        ({"epochs": 4}, [0.5, 0.6, 0.7], False),
        ({"patience": 2}, [0.5, 0.5, 0.5], True),
        ({"patience": 2}, [0.5, 0.5, 0.6], False),
        ({"patience": 3}, [0.5, 0.5, 0.5], False),
        ({"patience": 0}, [0.9, 0.1, 0.1], False),
    ],
)
def test_is_finished(settings, accuracies, finished):
    wanted = config(**{f"training__{name}": value for name, value in settings.items()})
    history = [
        dataclasses.replace(BASE, epoch=epoch, validation_accuracy=accuracy)
        for epoch, accuracy in enumerate(accuracies, 1)
    ]
    assert is_finished(wanted, history) == finished
