"""The values that fill gaps, against the papers and the authors' own code, copied by hand."""

import pytest

from lqjax.optim import sophia
from lqjax.optim.base import OPTIMIZERS

KRIZHEVSKY = {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 0.0005}
"""Krizhevsky et al. 2012, section 5: "momentum of 0.9, and weight decay of 0.0005"; "initialized at
0.01"."""

PUBLISHED = {
    "sgd": KRIZHEVSKY,
    "nesterov": KRIZHEVSKY,
    # Kingma and Ba 2015, algorithm 1: "Good default settings for the tested machine learning
    # problems are alpha = 0.001, beta1 = 0.9, beta2 = 0.999 and epsilon = 1e-8".
    "adam": {
        "learning_rate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 0.00000001,
        "weight_decay": 0,
    },
    # Loshchilov and Hutter 2019, algorithm 2, line 1: Adam's values, the decay being free; 0.01 is
    # torch.optim.AdamW's, whose decay is in learning rates as here.
    "adamw": {
        "learning_rate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 0.00000001,
        "weight_decay": 0.01,
    },
    # Tieleman and Hinton 2012, lecture 6e: MeanSquare = 0.9 MeanSquare + 0.1 gradient ** 2. Rate:
    # keras.optimizers.RMSprop; floor: torch.optim.RMSprop.
    "rmsprop": {
        "learning_rate": 0.001,
        "momentum": 0,
        "beta2": 0.9,
        "epsilon": 0.00000001,
        "weight_decay": 0,
    },
    # github.com/Liuhong99/Sophia, sophia.py: SophiaG(lr=1e-4, betas=(0.965, 0.99), rho=0.04,
    # weight_decay=1e-1); floor: Liu et al. 2023, section 3.1, epsilon = 1e-12.
    "sophia": {
        "learning_rate": 0.0001,
        "beta1": 0.965,
        "beta2": 0.99,
        "epsilon": 0.000000000001,
        "weight_decay": 0.1,
    },
    # tensorflow_addons.optimizers.LAMB(learning_rate=0.001, beta_1=0.9, beta_2=0.999,
    # epsilon=1e-6), by the authors; decay: You et al. 2020, experiments on BERT, 0.01.
    "lamb": {
        "learning_rate": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 0.000001,
        "weight_decay": 0.01,
    },
    # github.com/facebookresearch/schedule_free: AdamWScheduleFree(lr=0.0025, betas=(0.9, 0.999),
    # eps=1e-8, weight_decay=0), SGDScheduleFree(lr=1.0, momentum=0.9, weight_decay=0).
    "schedule_free": {
        "learning_rate": 0.0025,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 0.00000001,
        "weight_decay": 0,
    },
    "schedule_free_sgd": {"learning_rate": 1, "momentum": 0.9, "weight_decay": 0},
}


def test_every_optimizer_has_its_published_values():
    assert {name: dict(OPTIMIZERS[name].published) for name in OPTIMIZERS.names()} == PUBLISHED


def test_what_sophia_fixes_is_published():
    # Liu et al. 2023, section 3.1: an estimate every k = 10 steps; SophiaG: rho = 0.04, steps
    # clamped to 1.
    assert (sophia.CURVATURE_INTERVAL, sophia.CURVATURE_SCALE, sophia.LARGEST_STEP) == (10, 0.04, 1)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_those_of_adam_are_those_of_pytorch_too(name):
    torch = pytest.importorskip("torch")
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    theirs, ours = kind([torch.zeros(1)]).defaults, OPTIMIZERS[name].published
    for other, own in (("lr", "learning_rate"), ("eps", "epsilon"), ("weight_decay",) * 2):
        assert ours[own] == theirs[other], own
    assert (ours["beta1"], ours["beta2"]) == theirs["betas"]
