"""LAMB against its formula in float64."""

import numpy as np
import pytest

from tests.optim.running import config, gradients, run, start

RATE, DECAY, BETA1, BETA2, EPSILON = 0.02, 0.03, 0.85, 0.97, 1e-3


def formula(given, whole, rate_at):
    params = start()
    m, v = (dict.fromkeys(params, 0.0) for _ in range(2))
    for t, gradient in enumerate(given, 1):
        for name, g in gradient.items():
            adapted = whole or name == "kernel"
            m[name] = BETA1 * m[name] + (1 - BETA1) * g
            v[name] = BETA2 * v[name] + (1 - BETA2) * g**2
            r = m[name] / (1 - BETA1**t) / (np.sqrt(v[name] / (1 - BETA2**t)) + EPSILON)
            if adapted:
                r = r + DECAY * params[name]
                r = r * np.linalg.norm(params[name]) / np.linalg.norm(r)
            params[name] = params[name] - rate_at(t - 1) * r
    return params


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("warmup", [0, 2])
def test_thirty_steps(whole, warmup):
    settings = config(
        optimizer__name="lamb",
        optimizer__learning_rate=RATE,
        optimizer__weight_decay=DECAY,
        optimizer__beta1=BETA1,
        optimizer__beta2=BETA2,
        optimizer__epsilon=EPSILON,
        optimizer__decay_norm_and_bias=whole,
        schedule__warmup_epochs=warmup,
    )
    found, _ = run(settings, gradients())
    rate_at = lambda step: RATE * min(1, (step + 1) / (10 * warmup)) if warmup else RATE  # noqa: E731
    for name, value in formula(gradients(), whole, rate_at).items():
        np.testing.assert_allclose(found[name], value, atol=2e-5)
