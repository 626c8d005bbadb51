"""Published values, settings that have no use, rates that grow with the batch."""

import numpy as np
import pytest

from lqjax.optim.base import OPTIMIZERS, SCHEDULES
from lqjax.optim.building import (
    build_schedule,
    check_optimizer,
    describe_optimizer,
    peak_rate,
    resolve,
)
from lqjax.recipes import load_recipe
from tests.optim.running import config, gradients, run

ASKED_FOR = (
    "sgd", "nesterov", "adam", "adamw", "rmsprop", "sophia", "lamb",
    "schedule_free", "schedule_free_sgd",
)  # fmt: skip


def test_every_optimizer_and_schedule_is_there():
    assert set(OPTIMIZERS) == set(ASKED_FOR)
    assert set(SCHEDULES) == {"constant", "step", "cosine", "one_cycle", "plateau"}


@pytest.mark.parametrize("name", ASKED_FOR)
def test_published_values_fill_the_gaps_and_no_others(name):
    settings = config(optimizer__name=name).optimizer
    published = OPTIMIZERS[name].published
    assert {"learning_rate", "weight_decay"} <= set(published)
    for setting in ("learning_rate", "momentum", "beta1", "beta2", "epsilon", "weight_decay"):
        filled = getattr(resolve(settings), setting)
        assert filled == published.get(setting, getattr(settings, setting))
    given = config(optimizer__name=name, optimizer__learning_rate=0.3, optimizer__weight_decay=0)
    assert (resolve(given.optimizer).learning_rate, resolve(given.optimizer).weight_decay) == (
        0.3,
        0.0,
    )
    assert resolve(resolve(settings)) == resolve(settings)
    assert 0 < resolve(settings).learning_rate <= 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "adamw", "momentum": 0.9}, "momentum=0.9 has no effect: adamw .* beta1.* to -1$"),
        ({"name": "sgd", "beta1": 0}, "optimizer.beta1=0 has no effect: sgd does not use it"),
        ({"name": "sgd", "epsilon": 1e-8}, "optimizer.epsilon=1e-08 has no effect .* to 0$"),
        ({"name": "rmsprop", "beta1": 0.9}, "optimizer.beta1=0.9 has no effect"),
        ({"name": "adam", "nesterov": True}, "optimizer.nesterov=True is not possible with adam"),
        ({"name": "adan"}, "unknown optimizer 'adan'; allowed: adam"),
    ],
)
def test_settings_without_effect_are_refused(settings, message):
    made = config(**{f"optimizer__{name}": value for name, value in settings.items()})
    message = message.replace(" has no effect .*", " has no effect.*")
    with pytest.raises(ValueError, match=message) as caught:
        check_optimizer(made)
    assert "\n" not in str(caught.value)


def test_unknown_schedules_are_refused_early():
    with pytest.raises(ValueError, match="unknown schedule 'cosin'; allowed: cosine"):
        check_optimizer(config(schedule__name="cosin"))


@pytest.mark.parametrize(("rule", "factor"), [("none", 1), ("linear", 4), ("sqrt", 2)])
def test_the_rate_grows_with_the_batch(rule, factor):
    made = config(
        optimizer__learning_rate=0.01,
        optimizer__scale_with_batch=rule,
        optimizer__base_batch=16,
        training__batch_size=64,
    )
    assert peak_rate(made) == pytest.approx(0.01 * factor)
    assert float(build_schedule(made, 10, 5)(3)) == pytest.approx(0.01 * factor)


def test_the_description_has_what_is_used():
    made = config(optimizer__name="nesterov", optimizer__momentum=0.8, schedule__name="cosine")
    assert describe_optimizer(made) == (
        "nesterov: learning rate 0.01, momentum 0.8, weight decay 0.0005; schedule cosine"
    )


@pytest.mark.parametrize(
    ("recipe", "model", "rate"),
    [
        ("quickstart", "alexnet", 3e-4),
        ("quickstart", "resnet50", 1e-3),
        ("compare", "alexnet", 3e-4),
        ("compare", "resnet50", 1e-3),
    ],
)
def test_the_first_recipes_train_as_they_always_did(recipe, model, rate):
    found = resolve(load_recipe(f"configs/{recipe}.py").for_model(model).optimizer)
    assert (found.name, found.learning_rate, found.weight_decay) == ("adamw", rate, 1e-4)
    assert (found.beta1, found.beta2, found.epsilon) == (0.9, 0.999, 1e-8)


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw", "rmsprop", "lamb"])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_rates_in_proportion_give_updates_in_proportion(name, schedule):
    """Runs of several learning rates share a program on this ground."""
    shared = {"optimizer__name": name, "schedule__name": schedule, "schedule__warmup_epochs": 1}
    wanted, _ = run(config(**shared, optimizer__learning_rate=0.003), gradients(10), 2)
    ratio = 0.003 / 0.02
    found, _ = run(config(**shared, optimizer__learning_rate=0.02), gradients(10), 2, ratio)
    for part, value in wanted.items():
        np.testing.assert_allclose(found[part], value, rtol=1e-5, atol=1e-6)
