"""Schedule-free rules against the three sequences of the paper in float64."""

import jax
import numpy as np
import pytest

from lqjax.optim.building import build_optimizer, evaluation_params
from tests.optim.running import config, gradients, run, start

RATE, DECAY, BETA, BETA2, EPSILON = 0.05, 0.03, 0.8, 0.97, 1e-3


def formula(given, rate_at, adaptive):
    """Return y (trained) and x (evaluated) as the paper writes them."""
    y, x, z = start(), start(), start()
    v, weight_sum, largest = dict.fromkeys(y, 0.0), 0.0, 0.0
    for t, gradient in enumerate(given, 1):
        rate = rate_at(t - 1)
        largest = max(largest, rate)
        weight_sum += largest**2
        c = largest**2 / weight_sum
        for name, g in gradient.items():
            step = g
            if adaptive:
                v[name] = BETA2 * v[name] + (1 - BETA2) * g**2
                step = g / (np.sqrt(v[name] / (1 - BETA2**t)) + EPSILON)
            if name == "kernel":
                step = step + DECAY * y[name]
            z[name] = z[name] - rate * step
            x[name] = (1 - c) * x[name] + c * z[name]
            y[name] = (1 - BETA) * z[name] + BETA * x[name]
    return y, x


def settings_of(name, **more):
    used = {
        "schedule_free": {"beta1": BETA, "beta2": BETA2, "epsilon": EPSILON},
        "schedule_free_sgd": {"momentum": BETA},
    }[name]
    return config(
        optimizer__name=name,
        optimizer__learning_rate=RATE,
        optimizer__weight_decay=DECAY,
        **{f"optimizer__{setting}": value for setting, value in used.items()},
        **more,
    )


@pytest.mark.parametrize("warmup", [0, 2])
@pytest.mark.parametrize("clip", [0, 1e9])
@pytest.mark.parametrize("name", ["schedule_free", "schedule_free_sgd"])
def test_trained_and_evaluated_weights(name, clip, warmup):
    settings = settings_of(name, optimizer__gradient_clip=clip, schedule__warmup_epochs=warmup)
    found, state = run(settings, gradients())
    rate_at = lambda step: RATE * min(1, (step + 1) / (10 * warmup)) if warmup else RATE  # noqa: E731
    y, x = formula(gradients(), rate_at, name == "schedule_free")
    evaluated = evaluation_params(settings, state, {"dense": found})["dense"]
    for leaf in y:
        np.testing.assert_allclose(found[leaf], y[leaf], atol=2e-5)
        np.testing.assert_allclose(evaluated[leaf], x[leaf], atol=2e-5)
        assert np.abs(x[leaf] - y[leaf]).max() > 1e-3


def test_state_and_weights_can_both_be_donated():
    optimizer = build_optimizer(settings_of("schedule_free"), lambda step: RATE)
    params = {"dense": {"kernel": jax.numpy.ones((2, 2))}}
    state = jax.jit(optimizer.init)(params)
    expected, _ = optimizer.update(params, state, params)
    weights = {"dense": {"kernel": jax.numpy.ones((2, 2))}}
    given = jax.tree.leaves((state, weights))
    updates, _ = jax.jit(optimizer.update, donate_argnums=(1, 2))(params, state, weights)
    assert any(leaf.is_deleted() for leaf in given), "nothing was donated"
    np.testing.assert_allclose(updates["dense"]["kernel"], expected["dense"]["kernel"], rtol=1e-6)


def test_other_optimizers_are_evaluated_as_they_are():
    params = {"dense": {"kernel": np.ones(3)}}
    assert evaluation_params(config(), (), params) is params


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule__name": "plateau"}, "schedule.name=plateau does not go with .*=constant"),
        ({"schedule__name": "cosine"}, "schedule.name=cosine does not go with"),
        ({"training__ema_decay": 0.9}, "training.ema_decay=0.9 does not go with .* set it to 0"),
        ({"optimizer__beta1": 0}, "optimizer.beta1=0 is not possible .* above 0"),
    ],
)
def test_what_does_not_go_together_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build_optimizer(config(optimizer__name="schedule_free", **settings), lambda step: RATE)
