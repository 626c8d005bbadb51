"""Weights that PyTorch saved give the logits that PyTorch gives."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from lqjax.named_arrays import filled, named
from lqjax.trained_weights import network_for, weights_of_file
from lqjax.weights.matching import match
from lqjax.weights.reading import read_tensors

pytestmark = pytest.mark.usefixtures("quick_compilation")

CLASSES = 10
SIZES = (64, 224)
LARGEST_ERROR = 1e-4
"""Relative to the largest logit."""


@dataclass
class Saved:
    """A network of PyTorch, and the files with its weights: zip, old, safetensors."""

    name: str
    network: Any
    files: tuple[Path, ...]


def saved(name, folder):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from tests.weights.torch_networks import published

    network = published(name, CLASSES)
    state = network.state_dict()
    files = tuple(folder / f"{name}{ending}" for ending in (".pth", "-old.pth", ".safetensors"))
    for file, zipped in zip(files[:2], (True, False), strict=True):
        torch.save(state, file, _use_new_zipfile_serialization=zipped)
    save_file(state, files[2], {"format": "pt"})
    return Saved(name, network, files)


@pytest.fixture(scope="module", params=["alexnet_one_tower", "resnet18", "resnet34", "resnet50"])
def pytorch(request, tmp_path_factory):
    return saved(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) for name in ("resnet101", "resnet152")],
)
def deep(request, tmp_path_factory):
    return saved(request.param, tmp_path_factory.mktemp(request.param))


def normalised(size, channels=3):
    """Draw images as they come out of normalisation: coarse patches, and noise on them."""
    draws = np.random.default_rng(size)
    patches = draws.standard_normal((2, 4, 4, channels), np.float32)
    whole = patches.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
    return whole + draws.standard_normal(whole.shape, np.float32) / 2


def logits(network, params, stats, images):
    return np.asarray(
        jax.jit(lambda *given: network.apply(*given, train=False)[0])(params, stats, images)
    )


def logits_of_pytorch(network, images):
    import torch

    with torch.no_grad():
        return network(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()).numpy()


def assert_same_logits(ours, theirs):
    assert ours.shape == theirs.shape == (2, CLASSES) and ours.dtype == np.float32
    largest = np.abs(theirs).max()
    # Logits that do not depend on the image would prove nothing.
    assert np.abs(theirs[0] - theirs[1]).max() > 100 * LARGEST_ERROR * largest
    assert np.abs(ours - theirs).max() <= LARGEST_ERROR * largest


def assert_same_at(pytorch, file, model, size):
    found = weights_of_file(file, model)
    assert found.belongings.model == pytorch.name
    network = network_for(replace(found.belongings, image_size=size))
    images = normalised(size)
    ours = logits(network, found.params, found.stats, images)
    assert_same_logits(ours, logits_of_pytorch(pytorch.network, images))


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_those_of_pytorch(pytorch, size):
    assert_same_at(pytorch, pytorch.files[0], "", size)


@pytest.mark.parametrize("size", SIZES)
def test_logits_of_the_deepest_are_those_of_pytorch(deep, size):
    assert_same_at(deep, deep.files[0], deep.name, size)


def test_all_files_of_pytorch_hold_the_same(pytorch):
    expected = {name: tensor.numpy() for name, tensor in pytorch.network.state_dict().items()}
    for file in pytorch.files:
        found = read_tensors(file)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array, strict=True)


def test_files_say_which_network_they_are_of(pytorch):
    for file in pytorch.files[1:]:
        found = weights_of_file(file)
        assert found.belongings.model == pytorch.name
        assert found.belongings.class_names == tuple(map(str, range(CLASSES)))


def test_a_grey_image_is_one_of_three_equal_channels(pytorch):
    own = weights_of_file(pytorch.files[0], pytorch.name).belongings
    network = network_for(replace(own, image_size=64, channels=1))
    params, stats = network.shapes()
    wanted = {name: leaf.shape for name, leaf in named(params, stats).items()}
    found = match(pytorch.name, read_tensors(pytorch.files[0]), wanted)
    assert found.stem == "its first layer is summed over red, green and blue"
    images = normalised(64, channels=1)
    params, stats = (filled(tree, found.arrays) for tree in (params, stats))
    ours = logits(network, params, stats, images)
    assert_same_logits(ours, logits_of_pytorch(pytorch.network, np.repeat(images, 3, axis=3)))


@pytest.mark.slow
def test_names_and_shapes_are_those_of_torchvision(pytorch):
    models = pytest.importorskip("torchvision").models
    name = {"alexnet_one_tower": "alexnet"}.get(pytorch.name, pytorch.name)
    theirs = getattr(models, name)(num_classes=CLASSES).state_dict()
    ours = pytorch.network.state_dict()
    assert {n: t.shape for n, t in theirs.items()} == {n: t.shape for n, t in ours.items()}


@pytest.mark.slow
def test_names_and_shapes_are_those_of_timm(pytorch):
    timm = pytest.importorskip("timm")
    if pytorch.name not in timm.list_models():
        pytest.skip(f"timm has no {pytorch.name}")
    theirs = timm.create_model(pytorch.name, num_classes=CLASSES).state_dict()
    ours = pytorch.network.state_dict()
    assert theirs.keys() == ours.keys()
    assert {n: t.shape for n, t in theirs.items()} == {n: t.shape for n, t in ours.items()}
