"""Batch and local response normalisation against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from lqjax.models.batch_norm import BatchNorm
from lqjax.models.local_response_norm import local_response_norm


def normalised(maps: jax.Array, *, train: bool = True):
    layer = BatchNorm(maps.shape[-1], dtype=jnp.float32)
    result = layer(maps, train=train)
    return result, layer.mean[...], layer.var[...]


def test_batch_norm_uses_the_batch_and_remembers_a_tenth_of_it():
    maps = np.random.default_rng(0).normal(3, 2, (4, 5, 5, 6)).astype(np.float32)
    result, mean, var = normalised(jnp.asarray(maps))
    pixels = maps.reshape(-1, 6).astype(np.float64)
    expected = (pixels - pixels.mean(0)) / np.sqrt(pixels.var(0) + 1e-5)
    np.testing.assert_allclose(result.reshape(-1, 6), expected, atol=1e-5)
    np.testing.assert_allclose(mean, 0.1 * pixels.mean(0), rtol=1e-5)
    np.testing.assert_allclose(var, 0.9 + 0.1 * pixels.var(0, ddof=1), rtol=1e-5)


def test_batch_norm_without_training_uses_the_running_statistics():
    maps = jnp.full((2, 2, 2, 3), 4.0)
    result, mean, var = normalised(maps, train=False)
    np.testing.assert_allclose(result, 4 / np.sqrt(1 + 1e-5), rtol=1e-6)
    assert (mean == 0).all()
    assert (var == 1).all()


def test_batch_norm_statistics_are_those_of_the_global_batch():
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
    maps = (
        jax.random.normal(jax.random.key(0), (16, 3, 3, 4)) * jnp.arange(16.0)[:, None, None, None]
    )
    shards = jax.device_put(maps, NamedSharding(mesh, PartitionSpec("batch")))
    run = jax.jit(normalised)
    for alone, sharded in zip(run(maps), run(shards), strict=True):
        np.testing.assert_allclose(sharded, alone, atol=1e-5)


def plain_local_response_norm(maps):
    channels = maps.shape[-1]
    sums = [
        jnp.square(maps[..., max(0, c - 2) : c + 3]).sum(-1, keepdims=True) for c in range(channels)
    ]
    return maps / jnp.power(2 + 1e-4 * jnp.concatenate(sums, -1), 0.75)


def test_local_response_norm_follows_the_paper():
    maps = 40 * jax.random.normal(jax.random.key(0), (2, 3, 3, 9))
    expected, pull_plain = jax.vjp(plain_local_response_norm, maps)
    result, pull = jax.vjp(local_response_norm, maps)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    weights = jax.random.normal(jax.random.key(1), maps.shape)
    np.testing.assert_allclose(pull(weights)[0], pull_plain(weights)[0], rtol=1e-4, atol=1e-5)


def test_batch_norm_keeps_statistics_in_float32():
    layer = BatchNorm(3, dtype=jnp.bfloat16)
    assert layer(jnp.ones((2, 2, 2, 3), jnp.bfloat16), train=True).dtype == jnp.bfloat16
    leaves = jax.tree.leaves(nnx.state(layer))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype("float32")}
