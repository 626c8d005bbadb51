"""Test-time statistics of BatchNorm against NumPy and PyTorch; who is normalised with whom."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.data.placing import place
from lqjax.evaluation.predict import Predictor, as_floats
from lqjax.imaging.keys import example_numbers
from lqjax.models.batch_norm import BatchNorm
from lqjax.models.network import build
from lqjax.readings.base import Subject, expand_readings
from lqjax.readings.batch_norm import drawn_batches, size_of_batches
from lqjax.runtime import make_mesh
from lqjax.trained_weights import network_for, weights_of_file
from lqjax.typing import Split
from tests.weights import test_against_pytorch as weights_of_pytorch

pytestmark = pytest.mark.usefixtures("quick_compilation", "small_networks")

SIZE, CLASSES, COUNT = 28, 4, 50
MEAN, STD = np.full(1, 0.4, np.float32), np.full(1, 0.3, np.float32)
EPSILON = 1e-5
COUNT_SHOWN = 6
LARGEST_ERROR = 1e-4
"""Relative to the largest logit."""


def random_like(tree, seed, low=-1.0, high=1.0):
    generator = np.random.default_rng(seed)
    return jax.tree.map(lambda a: jnp.asarray(generator.uniform(low, high, a.shape), "f4"), tree)


def network(**settings):
    return build("small", num_classes=CLASSES, channels=1, image_size=SIZE, **settings)


def weights(seed=0):
    params, stats = network().shapes()
    return random_like(params, seed), random_like(stats, seed + 1, 0.5, 2.0)


def images(count, seed=3):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, SIZE, SIZE, 1)).astype(np.float32)


def by_numpy(params, stats, shown, prior):
    """The network of `tests.small_launch`, written out, in float64."""
    as_float64 = lambda tree: jax.tree.map(lambda a: np.asarray(a, np.float64), tree)  # noqa: E731
    params, stats = as_float64(params), as_float64(stats)
    pixels = shown[:, ::4, ::4].reshape(len(shown), -1).astype(np.float64)
    hidden = pixels @ params["first"]["kernel"] + params["first"]["bias"]
    share = prior / (prior + len(shown))
    mean = share * stats["norm"]["mean"] + (1 - share) * hidden.mean(0)
    var = share * stats["norm"]["var"] + (1 - share) * hidden.var(0)
    hidden = (hidden - mean) / np.sqrt(var + EPSILON)
    hidden = hidden * params["norm"]["scale"] + params["norm"]["bias"]
    return np.maximum(hidden, 0) @ params["last"]["kernel"] + params["last"]["bias"]


@pytest.mark.parametrize("prior", [0, 6, 1000])
def test_statistics_of_a_layer_count_images_not_positions(prior):
    generator = np.random.default_rng(0)
    maps = generator.normal(3, 2, (6, 4, 4, 5)).astype(np.float32)
    layer = BatchNorm(5, groups=2, dtype=jnp.float32)
    trained, spread = generator.normal(size=5), generator.uniform(0.5, 2, 5)
    layer.mean[...], layer.var[...] = jnp.asarray(trained, "f4"), jnp.asarray(spread, "f4")
    layer.prior = prior
    exact = maps.astype(np.float64)
    mean = (prior * trained + 6 * exact.mean((0, 1, 2))) / (prior + 6)
    var = (prior * spread + 6 * exact.var((0, 1, 2))) / (prior + 6)
    expected = (exact - mean) / np.sqrt(var + EPSILON)
    np.testing.assert_allclose(layer(jnp.asarray(maps), train=False), expected, atol=1e-5)
    kept = np.asarray(layer.mean[...]), np.asarray(layer.var[...])
    np.testing.assert_allclose(kept, (trained, spread), rtol=1e-6)  # nothing is learnt from it


@pytest.mark.parametrize("prior", [0, 16])
def test_a_network_is_adapted_as_written_out_and_without_dropout(prior):
    params, stats = weights()
    shown = images(20)
    expected = by_numpy(params, stats, shown, prior)
    for settings in ({}, {"batch_norm_frozen": True}, {"batch_norm_groups": 2}, {"dropout": 0.9}):
        found = network(**settings).adapted(params, stats, jnp.asarray(shown), prior=prior)
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_without_prior_it_is_a_network_of_pytorch_in_training():
    torch = pytest.importorskip("torch")
    params, stats = weights()
    shown = images(20)
    first, norm = torch.nn.Linear(49, 16), torch.nn.BatchNorm1d(16, eps=EPSILON, momentum=0.0)
    last = torch.nn.Linear(16, CLASSES)
    tensor = lambda array: torch.from_numpy(np.array(array))  # noqa: E731
    with torch.no_grad():
        for layer, name in ((first, "first"), (last, "last")):
            layer.weight.copy_(tensor(params[name]["kernel"].T))
            layer.bias.copy_(tensor(params[name]["bias"]))
        norm.weight.copy_(tensor(params["norm"]["scale"]))
        norm.bias.copy_(tensor(params["norm"]["bias"]))
        norm.running_mean.copy_(tensor(stats["norm"]["mean"]))
        norm.running_var.copy_(tensor(stats["norm"]["var"]))
        pixels = tensor(shown[:, ::4, ::4].reshape(len(shown), -1))
        model = torch.nn.Sequential(first, norm, torch.nn.ReLU(), last).train()
        expected = model(pixels).numpy()
    found = network().adapted(params, stats, jnp.asarray(shown))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("prior", [0, 8])
def test_every_layer_of_a_residual_network_is_adapted_as_in_pytorch(prior, tmp_path):
    """Shortcuts too: the statistics of a layer hang on those of the layers before it."""
    torch = pytest.importorskip("torch")
    pytorch = weights_of_pytorch.saved("resnet18", tmp_path)
    found = weights_of_file(pytorch.files[0], "")
    built = network_for(dataclasses.replace(found.belongings, image_size=64))
    shown = np.random.default_rng(0).standard_normal((COUNT_SHOWN, 64, 64, 3), np.float32)
    with torch.no_grad():
        for layer in pytorch.network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.forward = partial(mixed_by_pytorch, torch, layer, prior)
        expected = pytorch.network(torch.from_numpy(shown).permute(0, 3, 1, 2)).numpy()
    adapted = jax.jit(partial(built.adapted, prior=prior))(found.params, found.stats, shown)
    assert np.abs(expected[0] - expected[1]).max() > 100 * LARGEST_ERROR * np.abs(expected).max()
    assert np.abs(adapted - expected).max() <= LARGEST_ERROR * np.abs(expected).max()


def mixed_by_pytorch(torch, layer, prior, maps):
    """Adapt a layer by PyTorch's own functions: its training mode where there is no prior."""
    normalise, rest = torch.nn.functional.batch_norm, (layer.weight, layer.bias)
    if not prior:
        return normalise(maps, None, None, *rest, training=True, eps=layer.eps)
    var, mean = torch.var_mean(maps, dim=(0, 2, 3), unbiased=False)
    share = prior / (prior + len(maps))
    mean = share * layer.running_mean + (1 - share) * mean
    var = share * layer.running_var + (1 - share) * var
    return normalise(maps, mean, var, *rest, training=False, eps=layer.eps)


def split(count=COUNT, seed=5):
    """Test images sorted by class, as they lie in folders; classes differ in brightness."""
    generator = np.random.default_rng(seed)
    labels = np.sort(generator.integers(0, CLASSES, count)).astype(np.int32)
    shade = 40 * labels[:, None, None, None] + 30
    noise = generator.integers(0, 60, (count, SIZE, SIZE, 1))
    ids = np.array([f"test/{i}" for i in range(count)])
    return Split((shade + noise).astype(np.uint8), labels, ids)


def answers(data, devices=1, batch_size=16, text="batch_norm", residency="device"):
    mesh = make_mesh(devices)
    predictor = Predictor(network(), (MEAN, STD), batch_size, mesh)
    subject = Subject(
        predictor, *weights(), train=None, validation=None,
        test_numbers=example_numbers(data.ids), class_names=tuple("abcd"), seed=0, test_seed=0,
    )  # fmt: skip
    (asked,) = expand_readings([text])
    counted = []
    batches = place(data, mesh, residency, 0.5)
    found = asked.fit(subject).logits(batches, as_floats, counted.append)
    assert sum(counted) == len(data)
    return found


@pytest.mark.parametrize("text", ["batch_norm", "batch_norm(prior=16)"])
def test_answers_are_those_of_the_drawn_batches_in_the_order_of_the_split(text):
    data = split()
    plan, _ = drawn_batches(example_numbers(data.ids), 0, 16)
    expected = np.full((COUNT, CLASSES), np.nan)
    for rows, counts in plan:
        normalised = (data.images[rows] / 255 - 0.4) / 0.3
        made = by_numpy(*weights(), normalised, 16 if "16" in text else 0)
        expected[rows[counts]] = made[counts]
    np.testing.assert_allclose(answers(data, text=text), expected, atol=2e-4)


def test_a_sorted_split_is_answered_as_a_shuffled_one():
    data = split()
    order = np.random.default_rng(9).permutation(COUNT)
    shuffled = answers(data.take(order))
    assert np.array_equal(answers(data)[order], shuffled)
    # That it matters: batches of neighbours, which are of one class, give other answers.
    neighbours = (data.images[:16] / 255 - 0.4) / 0.3
    one_class = by_numpy(*weights(), neighbours, 0)
    assert np.abs(one_class - answers(data)[:16]).max() > 0.5


def test_devices_and_residency_do_not_matter():
    data = split()
    alone = answers(data)
    np.testing.assert_allclose(answers(data, devices=2), alone, atol=1e-4)
    np.testing.assert_allclose(answers(data, devices=8), alone, atol=1e-4)
    assert np.array_equal(answers(data, residency="host"), alone)
    assert np.array_equal(answers(data), alone)  # to the bit, another time


def test_fewer_images_than_a_batch_are_one_batch_of_all_of_them():
    data = split(count=11)
    normalised = (data.images / 255 - 0.4) / 0.3
    expected = by_numpy(*weights(), normalised, 0)
    np.testing.assert_allclose(answers(data, batch_size=64), expected, atol=2e-4)


@pytest.mark.parametrize(("count", "size"), [(50, 16), (48, 16), (16, 16), (5, 8), (1, 8)])
def test_every_image_counts_once_and_the_last_batch_is_filled_with_others(count, size):
    numbers = example_numbers(np.array([f"a/{i}" for i in range(count)]))
    plan, places = drawn_batches(numbers, 0, size)
    counted = np.concatenate([rows[counts] for rows, counts in plan])
    assert sorted(counted) == list(range(count))
    assert np.array_equal(counted[places], np.arange(count))
    for rows, counts in plan:
        assert len(rows) == len(counts) == size
        if count >= size:
            assert len(set(rows)) == size  # no image counts twice for the statistics
    assert all(counts.all() for _, counts in plan[:-1])


def test_batches_hang_on_the_seed_and_the_examples_alone():
    numbers = example_numbers(np.array([f"a/{i}" for i in range(40)]))
    order = np.random.default_rng(0).permutation(40)
    together = [set(numbers[rows]) for rows, _ in drawn_batches(numbers, 0, 8)[0]]
    moved = numbers[order]
    assert together == [set(moved[rows]) for rows, _ in drawn_batches(moved, 0, 8)[0]]
    assert together != [set(numbers[rows]) for rows, _ in drawn_batches(numbers, 1, 8)[0]]


@pytest.mark.parametrize(
    ("count", "batch_size", "devices", "expected"),
    [(50, 16, 1, 16), (50, 16, 8, 16), (11, 64, 1, 11), (11, 64, 2, 10), (3, 64, 8, 8)],
)
def test_as_many_are_shown_together_as_there_are_and_devices_share(
    count, batch_size, devices, expected
):
    predictor = dataclasses.make_dataclass("P", ["batch_size", "mesh"])(
        batch_size, make_mesh(devices)
    )
    subject = Subject(predictor, {}, {}, None, None, np.zeros(count, np.uint32), (), 0, 0)
    assert size_of_batches(subject) == expected


def test_which_networks_have_batch_norm():
    assert network().has_batch_norm
    assert build("resnet18", num_classes=2, image_size=64).has_batch_norm
    assert not build("alexnet", num_classes=2, image_size=64).has_batch_norm
