"""Spatter against NumPy and SciPy in float64 and the original's outputs, its draw injected."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

import lqjax.degradations.spatter as module
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.degradations.spatter_references import box, shine
from tests.golden import golden_image, golden_output

OP = OPERATIONS["spatter"]
NAMES = ("mean", "deviation", "blur_sigma", "threshold", "strength", "mud")
CIFAR = (
    (0.62, 0.1, 0.7, 0.7, 0.5, 0),
    (0.65, 0.1, 0.8, 0.7, 0.5, 0),
    (0.65, 0.3, 1, 0.69, 0.5, 0),
    (0.65, 0.1, 0.7, 0.69, 0.6, 1),
    (0.65, 0.1, 0.5, 0.68, 0.6, 1),
)
LARGE = ((0.65, 0.3, 4, 0.69, 0.6, 0), (0.65, 0.3, 2, 0.68, 0.5, 0), (0.67, 0.4, 1, 0.65, 1.5, 1))
GREY, COLOUR = (28, 28, 1), (66, 40, 3)
CLEAR = 1e-6
"""Values nearer than this to a threshold or a level may fall on its other side in float32."""

apply = jax.jit(lambda images, draws, parameters: OP.apply(images, draws, **parameters))


def run(levels, draws, numbers):
    types = [np.float32] * 5 + [np.int32]
    parameters = {n: t(v) for n, t, v in zip(NAMES, types, numbers, strict=True)}
    return np.asarray(apply(as_float(jnp.asarray(levels)), jnp.asarray(draws), parameters))


def reference(levels, normal, mean, deviation, blur_sigma, threshold, strength, mud):
    """Return the result in float64, and whether float32 can be trusted to decide alike."""
    image = (
        np.repeat(levels, 3, axis=2)[..., :3] / 255.0 if levels.shape[2] == 1 else levels / 255.0
    )
    layer = scipy.ndimage.gaussian_filter(normal, blur_sigma, mode="nearest")
    clear = np.abs(layer - threshold).min() > CLEAR
    if mud:
        share = (layer > threshold).astype(float)
        share = scipy.ndimage.gaussian_filter(share, strength, mode="nearest")
        clear &= np.abs(share - 0.8).min() > CLEAR
        share = np.where(share < 0.8, 0, share)[..., None]
        result = image * (1 - share) + share * np.array([63, 42, 20]) / 255
    else:
        wet = layer[layer >= threshold] * 255
        clear &= (np.abs(wet - np.rint(wet)) > 255 * CLEAR).all()
        thick = np.where(layer < threshold, 0, layer * 255).astype(int) % 256
        weight = shine(thick.astype(np.uint8))
        weight = weight / max(weight.max(), 1) * strength
        result = image + weight[..., None] * np.array([175, 238, 238]) / 255
    result = np.clip(result, 0, 1)
    if levels.shape[2] == 1:
        result = (result @ np.array([0.299, 0.587, 0.114]))[..., None]
    return result, clear


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_equals_the_original(severity):
    levels, numbers = golden_image(), CIFAR[severity - 1]
    normal = golden_output("cifar10_c", "spatter", severity, "normal").astype(np.float64)
    published = golden_output("cifar10_c", "spatter", severity, "out")
    found = run(
        levels[None], ((normal - numbers[0]) / numbers[1])[None].astype(np.float32), numbers
    )
    assert_equals_published(found[0], reference(levels, normal, *numbers)[0], published)


@pytest.mark.parametrize("severity", [1, 3])
def test_windows_equal_the_stages_of_the_original(severity):
    def stage(name):
        return jnp.asarray(golden_output("cifar10_c", "spatter", severity, name), jnp.int32)

    lit = jnp.clip(module._weighted(stage("dist_equalized")[None], module._LIGHTING)[0], 0, 255)
    np.testing.assert_array_equal(lit, stage("dist_filtered"))
    smooth = (np.asarray(module._weighted(lit[None], module._BOX)[0]) + 4) // 9
    np.testing.assert_array_equal(smooth, stage("dist_final_u8"))
    np.testing.assert_array_equal(module._weighted(lit[None], module._BOX)[0], box(np.array(lit)))


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("numbers", CIFAR + LARGE)
def test_equals_the_reference(shape, numbers):
    rng = np.random.default_rng(sum(shape))
    levels = rng.integers(0, 256, (8, *shape)).astype(np.uint8)
    draws = rng.normal(size=(8, *shape[:2])).astype(np.float32)
    found, compared = run(levels, draws, numbers), 0
    for one, drawn, result in zip(levels, draws, found, strict=True):
        expected, clear = reference(one, numbers[0] + numbers[1] * np.float64(drawn), *numbers)
        compared += clear
        if clear:
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)
    assert compared >= 2


def test_levels_above_white_start_again_at_black():
    numbers = (0.9, 0.3, 0.5, 0.7, 0.5, 0)
    levels = np.full((8, *COLOUR), 90, np.uint8)
    draws = np.random.default_rng(5).normal(size=levels.shape[:3]).astype(np.float32)
    found, compared = run(levels, draws, numbers), 0
    for one, drawn, result in zip(levels, draws, found, strict=True):
        expected, clear = reference(one, 0.9 + 0.3 * np.float64(drawn), *numbers)
        compared += clear
        if clear:
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)
    assert compared
    assert (0.9 + 0.3 * scipy.ndimage.gaussian_filter(draws, (0, 0.5, 0.5))).max() > 1.05


@pytest.mark.parametrize("mud", [0, 1])
@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_without_liquid_nothing_changes(shape, mud):
    levels = np.random.default_rng(0).integers(0, 256, (8, *shape)).astype(np.uint8)
    still = np.zeros(levels.shape[:3], np.float32)
    found = run(levels, still, (0.5, 0.3, 1, 0.7, 0.5, mud))
    # The luma of three equal channels is their value to 1e-7 only.
    tolerance = 2e-7 if shape == GREY else 0
    np.testing.assert_allclose(found, as_float(jnp.asarray(levels)), rtol=0, atol=tolerance)


def test_liquid_everywhere():
    levels = np.full((8, *COLOUR), 51, np.uint8)
    still = np.zeros(levels.shape[:3], np.float32)
    water = run(levels, still, (0.8, 0.3, 1, 0.7, 0.5, 0))
    mud = run(levels, still, (0.8, 0.3, 1, 0.7, 0.5, 1))
    expected = np.broadcast_to(0.2 + 0.5 * np.array([175, 238, 238]) / 255, water.shape)
    np.testing.assert_allclose(water, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(mud, np.broadcast_to(module.MUD, mud.shape), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [CIFAR[2], LARGE[2]])
def test_the_same_whatever_the_batch(numbers):
    # The contract test looks at one level only; here both liquids.
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 256, (8, *COLOUR)).astype(np.uint8)
    draws = rng.normal(size=levels.shape[:3]).astype(np.float32)
    whole = run(levels, draws, numbers)
    alone = np.concatenate([run(levels[i : i + 1], draws[i : i + 1], numbers) for i in range(8)])
    np.testing.assert_allclose(alone, whole, rtol=0, atol=1e-6)
    given = [jnp.float32(v) for v in numbers[:5]] + [jnp.int32(numbers[5])]
    parameters = dict(zip(NAMES, given, strict=True))
    eager = OP.apply(as_float(jnp.asarray(levels)), jnp.asarray(draws), **parameters)
    np.testing.assert_allclose(eager, whole, rtol=0, atol=1e-6)


def test_draws_are_standard_normal():
    keys = jax.random.split(jax.random.key(0), 20)
    draws = np.asarray(OP.draws(keys, (40, 30, 3)))
    assert draws.shape == (20, 40, 30)
    assert scipy.stats.kstest(draws.ravel(), "norm").pvalue > 0.01
    assert abs(draws.mean()) < 0.02 and abs(draws.std() - 1) < 0.02
