"""The step against plain NumPy, and the same on one device and on eight."""

import dataclasses

import jax
import numpy as np
import pytest

from lqjax.config import Config
from lqjax.data.pipeline import epoch_order, place
from lqjax.models.network import build
from lqjax.optim.building import build_optimizer, build_schedule
from lqjax.overriding import override
from lqjax.runtime import make_mesh, replicated
from lqjax.training.loss import cross_entropy
from lqjax.training.measures import TrainMetrics
from lqjax.training.state import create_state
from lqjax.training.step import make_train_step
from lqjax.typing import Split
from tests.training.tiny import TinyNetwork

BATCH = 16
STATISTICS = (np.array([0.5], np.float32), np.array([0.25], np.float32))


def split(size=8, channels=1, count=64):
    generator = np.random.default_rng(0)
    return Split(
        generator.integers(0, 256, (count, size, size, channels), dtype=np.uint8),
        generator.integers(0, 4, count).astype(np.int32),
        np.array([f"train/{i}" for i in range(count)]),
    )


def config(**settings):
    made = Config()
    for path, text in {"schedule__name": "constant", **settings}.items():
        made = override(made, path.replace("__", "."), text)
    return made


def losses(network, settings, devices, steps, data):
    mesh = make_mesh(devices)
    optimizer = build_optimizer(settings, build_schedule(settings, 100, 10))
    step = make_train_step(network, optimizer, settings, STATISTICS, mesh)
    state = create_state(network, optimizer, 0, mesh)
    metrics = jax.device_put(TrainMetrics.empty(), replicated(mesh))
    batches = place(data, mesh, "device", 0.5)
    found = []
    for number in range(steps):
        order = epoch_order(0, number, len(data))[:BATCH]
        state, metrics, loss = step(state, metrics, *batches.batch(order))
        found.append(float(loss))
    return np.array(found), state, metrics.compute()


AUGMENTED = {
    "augmentation__flip": "true",
    "augmentation__crop_padding": "2",
    "augmentation__contrast": "0.2",
}


def test_one_device_and_eight_agree_over_twenty_steps_in_float64():
    with jax.enable_x64(True):
        settings = config(optimizer__name="adamw", **AUGMENTED)
        network = TinyNetwork(dtype="float64")
        one, state, _ = losses(network, settings, 1, 20, split())
        eight, other, _ = losses(network, settings, 8, 20, split())
    assert state["params"]["hidden"]["kernel"].dtype == np.float64
    np.testing.assert_allclose(eight, one, rtol=1e-9)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_one_device_and_eight_agree_on_a_residual_network():
    network = build("resnet18", num_classes=4, channels=1, image_size=32, stem="small")
    settings = config(optimizer__name="sgd", optimizer__learning_rate="0.1")
    one, state, _ = losses(network, settings, 1, 1, split(32))
    eight, other, _ = losses(network, settings, 8, 1, split(32))
    np.testing.assert_allclose(eight, one, rtol=1e-5)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_the_loss_falls_and_metrics_are_means_over_the_steps():
    settings = config(optimizer__name="adamw", optimizer__learning_rate="0.01")
    data = split(count=BATCH)
    found, state, metrics = losses(TinyNetwork(), settings, 1, 60, data)
    assert found[-5:].mean() < 0.5 * found[:5].mean()
    assert int(state["step"]) == 60
    assert float(metrics["loss"]) == pytest.approx(found.mean(), rel=1e-4)
    assert 0.5 < float(metrics["accuracy"]) <= 1


def test_the_seed_decides_and_nothing_else():
    settings = config(**AUGMENTED)
    first = losses(TinyNetwork(), settings, 2, 3, split())[0]
    np.testing.assert_array_equal(first, losses(TinyNetwork(), settings, 2, 3, split())[0])
    other = dataclasses.replace(settings, run=dataclasses.replace(settings.run, seed=1))
    assert not np.array_equal(first, losses(TinyNetwork(), other, 2, 3, split())[0])


def test_degradations_are_drawn_for_a_share_of_the_steps():
    settings = config(
        augmentation__degradations="gaussian_noise(sigma=0.5),jpeg(quality=5)",
        augmentation__degradation_probability="0.5",
        optimizer__learning_rate="1e-12",
        model__dropout="0",
    )
    data = split(size=16, count=BATCH)
    network = TinyNetwork(image_size=16, dropout=0.0)
    plain = losses(network, config(optimizer__learning_rate="1e-12"), 1, 1, data)[0][0]
    found = losses(network, settings, 1, 40, data)[0]
    untouched = np.isclose(found, plain, rtol=1e-5)
    assert 10 <= untouched.sum() <= 30
    assert len(np.unique(np.round(found[~untouched], 5))) > 5


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_against_numpy(smoothing):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(6, 5)).astype(np.float32)
    labels = generator.integers(0, 5, 6)
    targets = np.full((6, 5), smoothing / 5)
    targets[np.arange(6), labels] += 1 - smoothing
    logs = logits - np.log(np.exp(logits.astype(np.float64)).sum(1, keepdims=True))
    expected = -(targets * logs).sum(1)
    np.testing.assert_allclose(cross_entropy(logits, labels, smoothing), expected, rtol=1e-5)
