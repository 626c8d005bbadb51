"""The same random weights in plain PyTorch modules give the same numbers."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.network import build

torch = pytest.importorskip("torch")

MODULES = Path(__file__).parents[2] / "benchmarks" / "torch_networks.py"
POOLED = (6, 6, 256)
"""Map before the first dense layer of AlexNet: rows, columns, channels."""


def torch_network(name: str):
    spec = importlib.util.spec_from_file_location("torch_networks", MODULES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(name, 10, 3)


def shaken(network):
    """Random parameters and statistics, none of them at its start value."""
    params, stats = network.init(0)
    leaves, tree = jax.tree.flatten((params, stats))
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [
        leaf + 0.1 * jax.random.uniform(key, leaf.shape) if leaf.ndim == 1 else leaf
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(tree, moved)


def torch_name(path: tuple[str, ...]) -> str:
    parts = [{"conv": "0", "bn": "1"}.get(part, part) for part in path[:-1]]
    leaf = {
        "kernel": "weight",
        "scale": "weight",
        "mean": "running_mean",
        "var": "running_var",
    }
    return ".".join([*parts, leaf.get(path[-1], path[-1])])


def torch_layout(path: tuple[str, ...], leaf: jax.Array):
    array = np.array(leaf)
    if path[-2:] == ("fc6", "kernel"):
        array = array.reshape(*POOLED, -1).transpose(2, 0, 1, 3).reshape(array.shape)
    if array.ndim == 2:
        array = array.T
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))


def as_state_dict(*trees) -> dict:
    """Rename and transpose, but leave the numbers alone."""
    result = {}
    for tree in trees:
        for keys, leaf in jax.tree_util.tree_leaves_with_path(tree):
            path = tuple(key.key for key in keys)
            result[torch_name(path)] = torch_layout(path, leaf)
    return result


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet_one_tower", 64),
        ("alexnet_one_tower", 131),
        ("resnet18", 75),
        pytest.param("resnet50", 64, marks=pytest.mark.slow),
    ],
)
def test_logits_and_running_statistics_agree(name, size):
    network = build(name, num_classes=10, image_size=size, zero_init_residual=False)
    params, stats = shaken(network)
    theirs = torch_network(name)
    missing, unexpected = theirs.load_state_dict(as_state_dict(params, stats), strict=False)
    assert all("num_batches_tracked" in key for key in missing)
    assert unexpected == []
    images = np.random.default_rng(0).standard_normal((4, size, size, 3), np.float32)
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2)

    forward = jax.jit(lambda *a: network.apply(*a, train=False)[0])
    logits = forward(params, stats, jnp.asarray(images))
    with torch.no_grad():
        expected = theirs.eval()(inputs).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(logits / scale, expected / scale, atol=1e-4)
    if not stats:
        return
    with torch.no_grad():
        theirs.train()(inputs)
    update = jax.jit(lambda *a: network.apply(*a, train=True)[1])
    new = as_state_dict(update(params, stats, jnp.asarray(images)))
    for key, value in new.items():
        np.testing.assert_allclose(value, theirs.state_dict()[key], rtol=1e-3, atol=1e-3)
