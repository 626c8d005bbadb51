"""Update rules step for step against PyTorch, with weight decay on the kernel and on everything."""

import numpy as np
import pytest

from tests.optim.running import config, gradients, run, start

torch = pytest.importorskip("torch")
RATE, DECAY, TOLERANCE = 0.02, 0.03, 2e-5

CASES = {
    "sgd": (
        {"optimizer__momentum": 0.8},
        lambda groups: torch.optim.SGD(groups, momentum=0.8),
    ),
    "sgd without momentum": (
        {"optimizer__momentum": 0},
        lambda groups: torch.optim.SGD(groups),
    ),
    "nesterov": (
        {"optimizer__momentum": 0.8},
        lambda groups: torch.optim.SGD(groups, momentum=0.8, nesterov=True),
    ),
    "adam": (
        {"optimizer__beta1": 0.85, "optimizer__beta2": 0.97, "optimizer__epsilon": 1e-3},
        lambda groups: torch.optim.Adam(groups, betas=(0.85, 0.97), eps=1e-3),
    ),
    "adamw": (
        {"optimizer__beta1": 0.85, "optimizer__beta2": 0.97, "optimizer__epsilon": 1e-3},
        lambda groups: torch.optim.AdamW(groups, betas=(0.85, 0.97), eps=1e-3),
    ),
    "rmsprop": (
        {"optimizer__beta2": 0.8, "optimizer__epsilon": 1e-3, "optimizer__momentum": 0.7},
        lambda groups: torch.optim.RMSprop(groups, alpha=0.8, eps=1e-3, momentum=0.7),
    ),
    "rmsprop without momentum": (
        {"optimizer__beta2": 0.8, "optimizer__epsilon": 1e-3},
        lambda groups: torch.optim.RMSprop(groups, alpha=0.8, eps=1e-3),
    ),
}


def torch_run(make, given, decay_all, rate_at=lambda step: RATE):
    values = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for name, value in start().items()
    }
    groups = [
        {"params": [value], "lr": RATE, "weight_decay": DECAY * (name == "kernel" or decay_all)}
        for name, value in values.items()
    ]
    optimizer = make(groups)
    for step, gradient in enumerate(given):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step)
        for name, value in values.items():
            value.grad = torch.tensor(gradient[name], dtype=torch.float64)
        optimizer.step()
    return {name: value.detach().numpy() for name, value in values.items()}


def settings_of(case, **more):
    return config(
        optimizer__name=case.partition(" ")[0],
        optimizer__learning_rate=RATE,
        optimizer__weight_decay=DECAY,
        **CASES[case][0],
        **more,
    )


@pytest.mark.parametrize("decay_all", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_thirty_steps(case, decay_all):
    found, _ = run(settings_of(case, optimizer__decay_norm_and_bias=decay_all), gradients())
    wanted = torch_run(CASES[case][1], gradients(), decay_all)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=TOLERANCE)


@pytest.mark.parametrize("case", ["sgd", "adamw", "rmsprop"])
def test_a_rate_that_moves(case):
    """Where the rate enters a rule shows only when it changes."""
    found, _ = run(settings_of(case, schedule__warmup_epochs=2), gradients())
    wanted = torch_run(
        CASES[case][1], gradients(), False, lambda step: RATE * min(1, (step + 1) / 20)
    )
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=TOLERANCE)


@pytest.mark.parametrize("case", ["sgd", "nesterov", "adam", "adamw", "rmsprop"])
def test_a_factor_on_the_updates_is_a_lower_rate(case):
    found, _ = run(settings_of(case), gradients(), factor=0.1)
    wanted = torch_run(CASES[case][1], gradients(), False, lambda step: 0.1 * RATE)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=TOLERANCE)


PUBLISHED_BY_TORCH = {
    "adam": (torch.optim.Adam, {"beta1": "betas", "beta2": "betas"}),
    "adamw": (torch.optim.AdamW, {"beta1": "betas", "beta2": "betas"}),
}


@pytest.mark.parametrize("name", PUBLISHED_BY_TORCH)
def test_published_values_are_those_of_torch(name):
    from lqjax.optim.base import OPTIMIZERS

    kind, _ = PUBLISHED_BY_TORCH[name]
    defaults = kind([torch.zeros(1)]).defaults
    published = OPTIMIZERS[name].published
    assert published["learning_rate"] == defaults["lr"]
    assert (published["beta1"], published["beta2"]) == tuple(defaults["betas"])
    assert published["epsilon"] == defaults["eps"]
    assert published["weight_decay"] == defaults["weight_decay"]
