"""Update rules against their formulas written out in NumPy, schedules against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.config import Config
from lqjax.optim.building import build_optimizer, build_schedule
from lqjax.overriding import override_all

STEPS, STEPS_PER_EPOCH = 40, 10
PARAMS = {"dense": {"kernel": jnp.array([1.0, -2.0]), "bias": jnp.array([0.5, 0.25])}}
GRADIENTS = {"dense": {"kernel": jnp.array([0.1, -0.2]), "bias": jnp.array([0.3, 0.4])}}


def config(**settings):
    given = [(path.replace("__", "."), text) for path, text in settings.items()]
    return override_all(Config(), given)


FACTORS = (1.0, -0.5, 2.0)


def run(settings, steps=3):
    schedule = build_schedule(settings, STEPS, STEPS_PER_EPOCH)
    optimizer = build_optimizer(settings, schedule)
    params, state = PARAMS, optimizer.init(PARAMS)
    for factor in FACTORS[:steps]:
        gradients = jax.tree.map(lambda g, f=factor: f * g, GRADIENTS)
        updates, state = optimizer.update(gradients, state, params)
        params = {"dense": {n: params["dense"][n] + updates["dense"][n] for n in updates["dense"]}}
    return {name: np.asarray(value, np.float64) for name, value in params["dense"].items()}


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay_all", [False, True])
def test_sgd_with_momentum(nesterov, decay_all):
    settings = config(
        optimizer__name="sgd",
        optimizer__learning_rate="0.1",
        optimizer__weight_decay="0.01",
        optimizer__nesterov=str(nesterov),
        optimizer__decay_norm_and_bias=str(decay_all),
        schedule__name="constant",
    )
    found = run(settings)
    for name in ("kernel", "bias"):
        decay = 0.01 if name == "kernel" or decay_all else 0.0
        w, v = np.asarray(PARAMS["dense"][name], np.float64), 0.0
        for factor in FACTORS:
            g = factor * np.asarray(GRADIENTS["dense"][name], np.float64) + decay * w
            v = 0.9 * v + g
            w = w - 0.1 * (g + 0.9 * v if nesterov else v)
        np.testing.assert_allclose(found[name], w, rtol=1e-5)


def test_adamw():
    settings = config(
        optimizer__name="adamw",
        optimizer__learning_rate="0.1",
        optimizer__weight_decay="0.01",
        schedule__name="constant",
    )
    found = run(settings)
    for name, decay in (("kernel", 0.01), ("bias", 0.0)):
        w, m, v = np.asarray(PARAMS["dense"][name], np.float64), 0.0, 0.0
        for t, factor in enumerate(FACTORS, 1):
            g = factor * np.asarray(GRADIENTS["dense"][name], np.float64)
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            w = w - 0.1 * (step + decay * w)
        np.testing.assert_allclose(found[name], w, atol=1e-5)


def test_gradients_are_clipped_by_their_global_norm():
    settings = config(
        optimizer__name="sgd",
        optimizer__learning_rate="1",
        optimizer__momentum="0",
        optimizer__weight_decay="0",
        optimizer__gradient_clip="0.1",
        schedule__name="constant",
    )
    found = run(settings, steps=1)
    change = np.concatenate([found[n] - np.asarray(PARAMS["dense"][n]) for n in ("kernel", "bias")])
    assert np.linalg.norm(change) == pytest.approx(0.1, rel=1e-5)


def rates(**settings):
    schedule = build_schedule(
        config(optimizer__learning_rate="0.5", **settings), STEPS, STEPS_PER_EPOCH
    )
    return np.array([float(schedule(step)) for step in range(STEPS)])


def test_constant():
    np.testing.assert_allclose(rates(schedule__name="constant"), 0.5)


def test_step():
    found = rates(schedule__name="step", schedule__step_epochs="1,3")
    np.testing.assert_allclose(found, [0.5] * 10 + [0.05] * 20 + [0.005] * 10, rtol=1e-6)


def test_cosine():
    found = rates(schedule__name="cosine", schedule__final_fraction="0.1")
    angle = np.pi * np.arange(STEPS) / STEPS
    np.testing.assert_allclose(found, 0.5 * (0.1 + 0.9 * (1 + np.cos(angle)) / 2), rtol=1e-5)


@pytest.mark.parametrize("name", ["constant", "step", "cosine"])
def test_warm_up_rises_to_the_peak(name):
    found = rates(schedule__name=name, schedule__warmup_epochs="1")
    np.testing.assert_allclose(found[:10], 0.5 * np.arange(1, 11) / 10, rtol=1e-5)
    assert found[10] == pytest.approx(0.5, rel=1e-5)
    assert found[-1] <= 0.5


def test_cosine_after_warm_up_ends_at_zero():
    found = rates(schedule__name="cosine", schedule__warmup_epochs="1")
    angle = np.pi * np.arange(30) / 30
    np.testing.assert_allclose(found[10:], 0.25 * (1 + np.cos(angle)), rtol=1e-5)


def test_unknown_names_list_what_there_is():
    with pytest.raises(ValueError, match="unknown optimizer 'adan'; allowed: adam"):
        build_optimizer(config(optimizer__name="adan"), lambda step: 0.1)
    with pytest.raises(ValueError, match="unknown schedule 'cosin'; allowed: cosine"):
        rates(schedule__name="cosin")
