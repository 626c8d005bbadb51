"""A head trained on features that are computed once: the same as on images."""

import jax
import numpy as np
import pytest

from lqjax.data.resident import Resident
from lqjax.data.streamed import Streamed
from lqjax.training.cached_features import on_features
from lqjax.training.courses import Course
from lqjax.training.material import Material
from lqjax.training.stages import keeps_features, make_stages
from tests.quick_compilation import quick_compilation
from tests.training.small import Small, assert_equal_trees, config, split
from tests.training.staged import staged

COUNT, STEPS = 80, 10  # two epochs: of features, an epoch is one dispatch here
HEAD_ONLY = {"training__last_stages": 0, "optimizer__learning_rate": 0.01}


@pytest.fixture(autouse=True)
def _quick():
    with quick_compilation():
        yield


def small(devices=1, **settings):
    network = staged(head_layers=(6,), dropout=0.3)
    return Small(network, config(**{**HEAD_ONLY, **settings}), split(count=COUNT), devices=devices)


def cached(run, state, rows, placed=Resident, validation=None):
    stages = make_stages(run.network, run.settings, run.plan.steps_per_epoch)
    course = Course(run.plan, run.optimizer, run.dispatcher, stages)
    images = placed(run.data, run.mesh)
    given = Material(rows, run.scales, lambda *_: None, None, validation)
    return on_features(run.network, run.settings, course, images, run.mesh, state, given)


def as_arrays(tree):
    return jax.tree.map(np.array, tree)


def compare(run, placed=Resident):
    """Train on images and on features, with the same draws."""
    on_images = as_arrays(run.run(STEPS)[2])
    state = run.start()
    before = as_arrays(state)
    run.dispatcher, _ = cached(run, state, np.arange(COUNT), placed)
    on_cached = as_arrays(run.run(STEPS, state)[2])
    assert_equal_trees(on_images, on_cached, rtol=1e-4, atol=1e-5)
    moved = {n for n in before["params"] if not same(before["params"][n], on_cached["params"][n])}
    assert moved == {"head", "last"}
    assert_equal_trees(before["stats"], on_cached["stats"])


def same(one, two):
    return jax.tree.all(jax.tree.map(np.array_equal, one, two))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer__name": "sgd", "training__accumulation": 2, "training__ema_decay": 0.9},
        {"optimizer__name": "schedule_free", "training__label_smoothing": 0.1},
    ],
    ids=["adamw", "parts and an average", "schedule-free"],
)
def test_training_is_the_same_as_on_images(settings):
    compare(small(**settings))


@pytest.mark.slow
def test_training_is_the_same_from_streamed_images_and_on_two_devices():
    compare(small(devices=2), Streamed)


def test_features_are_those_of_the_rows_that_are_trained_on():
    run = small()
    state, rows = run.start(), np.arange(COUNT)[::-1][:50]
    dispatcher, material = cached(run, state, rows)
    arrays = dispatcher._batches.arrays
    images = (run.data.images[rows].astype(np.float32) / 255 - 0.5) / 0.25
    wanted = run.network.features(state["params"], state["stats"], jax.numpy.asarray(images))
    np.testing.assert_allclose(arrays.images[:, 0, 0], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(arrays.labels, run.data.labels[rows])
    np.testing.assert_array_equal(material.rows, np.arange(50))


def test_validation_is_that_of_the_whole_network():
    run = small()
    state = run.start()
    held = split(count=30)
    _, material = cached(run, state, np.arange(COUNT), validation=lambda: Resident(held, run.mesh))
    loss, accuracy = material.validate(state["params"], state["stats"])
    images = jax.numpy.asarray((held.images.astype(np.float32) / 255 - 0.5) / 0.25)
    logits = np.asarray(
        run.network.apply(state["params"], state["stats"], images, train=False)[0], np.float64
    )
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert loss == pytest.approx(-logs[np.arange(30), held.labels].mean(), rel=1e-5)
    assert accuracy == (logits.argmax(1) == held.labels).mean()


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, True),
        ({"training__last_stages": 1}, False),
        ({"training__last_stages": -1}, False),
        ({"augmentation__flip": True}, False),
        ({"augmentation__degradations": "jpeg(quality=40)"}, False),
    ],
)
def test_features_are_kept_where_an_image_always_has_the_same(settings, kept):
    run = config(**{**HEAD_ONLY, **settings})
    assert keeps_features(staged(), run) is kept
