"""Weights of the examples: the step against NumPy in float64, however the images lie."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.training import step as step_module
from lqjax.training.state import create_state
from lqjax.training.step import make_preparation
from tests.training import test_folds
from tests.training.small import BATCH, Small, assert_equal_trees, config, split
from tests.training.test_step import PLAIN, RATE, inputs_of
from tests.training.tiny import TinyNetwork

WEIGHTS = np.exp(np.random.default_rng(7).normal(size=64)).astype(np.float32)
"""From 0.1 to 10 or so."""

OF_CLASSES = np.array([5, 1, 1, 0.5])
SMOOTHING = 0.1


def weighted(**kwargs):
    data = split(**kwargs)
    return dataclasses.replace(data, weights=np.resize(WEIGHTS, len(data)))


def step_of_numpy(params, images, counted, class_weights, smoothing):
    """Give the loss and the gradients of a network of two layers, by hand.

    Args:
      counted: what each example counts for each class, (batch, classes).
    """
    inputs = images.reshape(len(images), -1)
    hidden = inputs @ params["hidden"]["kernel"]
    active = np.maximum(hidden, 0)
    logits = active @ params["head"]["kernel"]
    shifted = logits - logits.max(1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    whole = counted.sum(1, keepdims=True)
    smoothed = (1 - smoothing) * counted + smoothing * whole / counted.shape[1]
    terms = class_weights * smoothed
    total = (class_weights * counted).sum()
    slope = (np.exp(logs) * terms.sum(1, keepdims=True) - terms) / total
    back = (slope @ params["head"]["kernel"].T) * (hidden > 0)
    gradients = {"hidden": {"kernel": inputs.T @ back}, "head": {"kernel": active.T @ slope}}
    return -(terms * logs).sum() / total, gradients


CASES = {
    "plain": {},
    "class weights": {"training__class_weights": "ant=5,dog=0.5"},
    "classes by rarity": {"training__class_weights": "auto"},
    "smoothing": {"training__label_smoothing": SMOOTHING},
    "parts": {"training__accumulation": 4},
    "all": {
        "training__class_weights": "ant=5,dog=0.5",
        "training__label_smoothing": SMOOTHING,
        "training__accumulation": 4,
    },
}


def exchanged(key, images, targets, settings):
    return 0.3 * images + 0.7 * images[::-1], 0.3 * targets + 0.7 * targets[::-1]


@pytest.mark.parametrize("mixed", [False, True], ids=["", "mixed"])
@pytest.mark.parametrize("case", CASES)
def test_one_update_is_that_of_numpy(case, mixed, monkeypatch):
    if mixed:
        monkeypatch.setattr(step_module, "mix", exchanged)
    settings = config(**PLAIN, **CASES[case])
    with jax.enable_x64(True):
        network = TinyNetwork(dtype="float64", dropout=0.0, norm=False)
        small = Small(network, settings, weighted())
        before = jax.tree.map(np.asarray, small.start()["params"])
        losses, _, after = small.run(1)
    rows = small.rows(0)
    images = inputs_of(small.data, rows)
    counted = np.eye(4)[small.data.labels[rows]] * WEIGHTS[rows, None].astype(np.float64)
    if mixed:
        images, counted = exchanged(None, images, counted, None)
    class_weights = OF_CLASSES if case in ("class weights", "all") else np.ones(4)
    if case == "classes by rarity":  # of the images as they are, whatever their weights
        class_weights = len(small.data) / (4 * np.bincount(small.data.labels, minlength=4))
    smoothing = SMOOTHING if case in ("smoothing", "all") else 0.0
    wanted, gradients = step_of_numpy(before, images, counted, class_weights, smoothing)
    assert losses[0] == pytest.approx(wanted, rel=1e-6)
    moved = jax.tree.map(lambda p, g: p - RATE * g, before, gradients)
    assert_equal_trees(after["params"], moved, rtol=1e-6, atol=1e-8)
    even, _ = step_of_numpy(before, images, np.sign(counted), class_weights, smoothing)
    assert abs(even - wanted) > 1e-3, "the weights must matter"


@pytest.mark.parametrize("ways", ["mixup", "cutmix"])
def test_what_is_mixed_counts_as_its_parts_do(ways):
    """With a class for each example the targets without weights say what was mixed."""
    data, settings = weighted(), config(**{f"augmentation__{ways}": 1.0}).augmentation
    scales, labels = Small(TinyNetwork(), config(), data).scales, np.arange(BATCH, dtype=np.int32)
    prepare = jax.jit(make_preparation(settings, BATCH))
    key, numbers = jax.random.key(3), np.zeros(BATCH, np.uint32)
    given = key, scales, data.images[:BATCH], labels, numbers
    plain, made = jax.device_get((prepare(*given), prepare(*given, WEIGHTS[:BATCH])))
    shares = np.asarray(plain["targets"], np.float64)
    assert (np.count_nonzero(shares, axis=1) == 2).sum() > BATCH / 2
    counted = shares * WEIGHTS[None, :BATCH]
    np.testing.assert_allclose(made["weights"], counted.sum(1), rtol=1e-5)
    wanted = counted / counted.sum(1, keepdims=True)
    np.testing.assert_allclose(made["targets"], wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(made["images"], plain["images"])


@pytest.mark.slow
@pytest.mark.parametrize("placing", ["whole", "shared out", "streamed"])
@pytest.mark.parametrize("devices", [1, 8])
def test_however_the_images_lie_it_is_one_step(placing, devices):
    settings = config(**PLAIN, training__class_weights="auto", augmentation__mixup=0.4)
    # Float32, one step from the same state: sums in another order and no more.
    first = Small(TinyNetwork(dropout=0.0), settings, weighted())
    wanted, _, after = first.run(1)
    other = Small(TinyNetwork(dropout=0.0), settings, weighted(), devices, placing=placing)
    found, _, made = other.run(1)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert_equal_trees(made["params"], after["params"], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_several_runs_as_one_program_have_their_own_weights(monkeypatch):
    whole = test_folds.pool
    monkeypatch.setattr(
        test_folds,
        "pool",
        lambda: dataclasses.replace(whole(), weights=np.resize(WEIGHTS, test_folds.COUNT)),
    )
    with jax.enable_x64(True):
        network = TinyNetwork(dtype="float64")
        together, alone = test_folds.losses_of(network, config(**test_folds.WEIGHTED), 5)
        monkeypatch.setattr(test_folds, "pool", whole)
        even = test_folds.losses_together(network, config(**test_folds.WEIGHTED), 1)
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    assert (np.abs(together[:, :1] / even - 1) > 1e-4).all()


def test_equal_weights_change_nothing_but_roundings():
    settings = config(**PLAIN, training__label_smoothing=SMOOTHING)
    same = dataclasses.replace(split(), weights=np.full(64, 4, np.float32))
    losses = [Small(TinyNetwork(), settings, data).run(8)[0] for data in (split(), same)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_without_weights_nothing_of_them_is_computed():
    """The program has one input less, and no multiplication more than the loss needs."""
    texts = {}
    for name, data in (("none", split()), ("some", weighted())):
        small = Small(TinyNetwork(), config(**PLAIN), data)
        state = create_state(small.network, small.optimizer, small.settings, small.mesh)
        batch = small.dispatcher._batches.batch(np.arange(BATCH))
        texts[name] = str(jax.make_jaxpr(small.update)(state, jnp.float32(1), small.scales, *batch))
    products = {name: text.count(" mul ") for name, text in texts.items()}
    assert products["none"] < products["some"]
    assert texts["none"].count(f"f32[{BATCH}]") < texts["some"].count(f"f32[{BATCH}]")
