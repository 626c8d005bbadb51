"""Batch and local response normalisation against their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
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


@pytest.mark.parametrize("groups", [1, 2])
def test_batch_norm_computes_float64_in_float64(groups):
    maps = np.random.default_rng(1).normal(3, 2, (4, 5, 5, 6))
    with jax.enable_x64(True):
        layer = BatchNorm(6, groups=groups, dtype=jnp.float64)
        layer.mean = nnx.BatchStat(jnp.zeros(6, jnp.float64))
        result = layer(jnp.asarray(maps), train=True)
        mean, var = layer.mean[...], layer.var[...]
    parts = maps.reshape(groups, -1, 6)
    means, variances = parts.mean(1, keepdims=True), parts.var(1, keepdims=True)
    expected = (parts - means) / np.sqrt(variances + 1e-5)
    np.testing.assert_allclose(np.reshape(result, expected.shape), expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(mean, 0.1 * means.mean((0, 1)), rtol=1e-13)
    assert var.dtype == np.float32, "the state keeps its type: another would be compiled for anew"


def test_batch_norm_computes_bfloat16_in_float32():
    maps = jax.random.normal(jax.random.key(0), (4, 5, 5, 6), jnp.bfloat16)
    layer = BatchNorm(6, dtype=jnp.bfloat16)
    result = layer(maps, train=True)
    wide, mean, var = normalised(maps.astype(jnp.float32))
    np.testing.assert_array_equal(result, wide.astype(jnp.bfloat16))
    np.testing.assert_array_equal(layer.mean[...], mean)
    np.testing.assert_array_equal(layer.var[...], var)


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
    draws = np.random.default_rng(0)
    maps, weights = 40 * draws.standard_normal((2, 2, 3, 3, 9)).astype(np.float32)

    def both_ways(function):
        def program(maps, weights):
            result, pull = jax.vjp(function, maps)
            return result, pull(weights / 40)[0]

        return jax.jit(program)(maps, weights)

    expected, plain_gradient = both_ways(plain_local_response_norm)
    result, gradient = both_ways(local_response_norm)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, plain_gradient, rtol=1e-4, atol=1e-5)


def test_batch_norm_keeps_statistics_in_float32():
    layer = BatchNorm(3, dtype=jnp.bfloat16)
    assert layer(jnp.ones((2, 2, 2, 3), jnp.bfloat16), train=True).dtype == jnp.bfloat16
    leaves = jax.tree.leaves(nnx.state(layer))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype("float32")}


def by_parts(maps, scale, bias, parts):
    """Normalise equal parts one by one, from the definition, in the dtype given."""
    made, means, variances = [], [], []
    for share in jnp.split(maps, parts):
        mean = share.mean((0, 1, 2))
        variance = ((share - mean[None, None, None]) ** 2).mean((0, 1, 2))
        count = share.size // share.shape[-1]
        made.append((share - mean[None, None, None]) / jnp.sqrt(variance + 1e-5)[None, None, None])
        means.append(mean)
        variances.append(variance * count / (count - 1))
    result = jnp.concatenate(made) * scale[None, None, None] + bias[None, None, None]
    return result, 0.1 * sum(means) / parts, 0.9 + 0.1 * sum(variances) / parts


def in_groups(maps, scale, bias, groups):
    layer = BatchNorm(maps.shape[-1], groups=groups, dtype=jnp.float32)
    layer.scale[...], layer.bias[...] = scale, bias
    result = layer(jnp.asarray(maps), train=True)
    return result, layer.mean[...], layer.var[...]


def uneven_maps():
    """Parts of a batch that differ, so that it matters whose statistics are used."""
    generator = np.random.default_rng(0)
    maps = generator.normal(3, 2, (16, 3, 3, 4)) * np.arange(1.0, 17)[:, None, None, None]
    scale, bias = generator.normal(1, 0.5, 4), generator.normal(0, 1, 4)
    return maps, scale, bias


@pytest.mark.slow
def test_batch_norm_by_parts_is_each_part_normalised_by_itself():
    maps, scale, bias = uneven_maps()
    single = [array.astype(np.float32) for array in (maps, scale, bias)]
    with jax.enable_x64(True):
        expected = [np.asarray(part) for part in by_parts(maps, scale, bias, 4)]
    for found, part in zip(in_groups(*single, 4), expected, strict=True):
        np.testing.assert_allclose(found, part, rtol=1e-4, atol=1e-5)
    whole = in_groups(*single, 1)
    assert np.abs(whole[0] - expected[0]).max() > 0.5, "not the statistics of the whole batch"


def test_gradients_of_batch_norm_by_parts():
    maps, scale, bias = uneven_maps()
    weights = np.random.default_rng(1).normal(size=maps.shape)

    def gradients(function, *arrays):
        def loss(*arrays):
            return (function(*arrays[:3], 4)[0] * arrays[3]).sum()

        return jax.jit(jax.grad(loss, (0, 1, 2)))(*arrays)

    with jax.enable_x64(True):
        expected = [np.asarray(g) for g in gradients(by_parts, maps, scale, bias, weights)]
    single = [array.astype(np.float32) for array in (maps, scale, bias, weights)]
    for found, part in zip(gradients(in_groups, *single), expected, strict=True):
        np.testing.assert_allclose(found, part, rtol=1e-3, atol=1e-4)


def test_with_a_part_for_each_device_none_waits_for_another():
    mesh = jax.make_mesh((8,), ("batch",), axis_types=(AxisType.Auto,))
    split = NamedSharding(mesh, PartitionSpec("batch"))
    maps = jax.device_put(jnp.ones((16, 3, 3, 4)), split)

    def program(groups):
        def run(maps):
            return BatchNorm(4, groups=groups, dtype=jnp.float32)(maps, train=True)

        return jax.jit(run, out_shardings=split).lower(maps).compile().as_text()

    assert "all-reduce" in program(1)
    for talk in ("all-reduce", "all-gather", "all-to-all", "collective-permute"):
        assert talk not in program(8)


def test_batch_norm_by_parts_tests_like_any_other():
    maps = jnp.full((6, 2, 2, 3), 4.0)  # no multiple of the parts
    layer = BatchNorm(3, groups=4, dtype=jnp.float32)
    np.testing.assert_allclose(layer(maps, train=False), 4 / np.sqrt(1 + 1e-5), rtol=1e-6)
