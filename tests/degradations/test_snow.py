"""Snow against SciPy in float64 and the original's outputs, its draws injected."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

import lqjax.degradations.snow as module
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["snow"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
NAMES = ("mean", "deviation", "zoom", "threshold", "radius", "sigma", "mix")
CIFAR = (
    (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
)
LARGE = ((0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65))
CLEAR = 1e-6
"""Values nearer than this to a threshold or a level may fall on its other side in float32."""

apply = jax.jit(lambda images, draws, given: OP.apply(images, draws, **given))


layer_of = jax.jit(module._layer)
blurred = jax.jit(module.blur_one_sided)
zoomed_along = jax.jit(module._zoomed, static_argnums=2)


def run(levels, layers, angles, numbers):
    """Give the draws of the original: angles in degrees from -135 to -45."""
    draws = {"layer": jnp.asarray(layers), "angle": jnp.asarray((np.array(angles) + 135) / 90)}
    draws = jax.tree.map(lambda drawn: drawn.astype(jnp.float32), draws)
    given = dict(zip(NAMES, np.float32(numbers), strict=True), angle=np.float32(np.nan))
    return np.asarray(apply(as_float(jnp.asarray(levels)), draws, given))


def zoomed(layer, factor):
    crops = [math.ceil(size / factor) for size in layer.shape]
    starts = [(size - crop) // 2 for size, crop in zip(layer.shape, crops, strict=True)]
    middle = layer[starts[0] : starts[0] + crops[0], starts[1] : starts[1] + crops[1]]
    large = scipy.ndimage.zoom(middle, factor, order=1)
    top, left = ((a - b) // 2 for a, b in zip(large.shape, layer.shape, strict=True))
    return large[top : top + layer.shape[0], left : left + layer.shape[1]]


def moved(levels, radius, sigma, angle):
    """Blur in one direction as ImageMagick does: in 16 bits, cut off."""
    taps = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-(taps**2) / (2 * sigma**2))
    weights /= weights.sum()
    rows, columns = np.indices(levels.shape)
    total = np.zeros(levels.shape)
    for tap, weight in zip(taps, weights, strict=True):
        right = math.ceil(tap * math.cos(math.radians(angle)) - 0.5)
        down = math.ceil(tap * math.sin(math.radians(angle)) - 0.5)
        row = np.clip(rows + down, 0, levels.shape[0] - 1)
        column = np.clip(columns + right, 0, levels.shape[1] - 1)
        total += weight * 257 * levels[row, column]
    return np.floor(total + 0.5) // 257


def reference(levels, normal, angle, zoom, threshold, radius, sigma, mix):
    """Return the result in float64, and whether float32 can be trusted to decide alike."""
    layer = zoomed(normal, zoom)
    seen = np.clip(layer[layer >= threshold], 0, 0.999) * 255
    clear = np.abs(layer - threshold).min() > CLEAR
    clear &= (np.abs(seen - np.rint(seen)) > 255 * CLEAR).all() and np.abs(layer - 1).min() > CLEAR
    cut = (np.clip(np.where(layer < threshold, 0, layer), 0, 1) * 255).astype(np.uint8)
    flakes = moved(cut.astype(int), radius, sigma, angle)[..., None] / 255
    image = levels / 255.0
    grey = image @ np.array([0.299, 0.587, 0.114]) if levels.shape[2] == 3 else image[..., 0]
    image = mix * image + (1 - mix) * np.maximum(image, grey[..., None] * 1.5 + 0.5)
    return np.clip(image + flakes + np.rot90(flakes, 2), 0, 1), clear


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_equals_the_original(severity):
    def stage(name):
        return golden_output("cifar10_c", "snow", severity, name)

    levels, numbers = golden_image(), CIFAR[severity - 1]
    normal, angle = stage("normal").astype(np.float64), float(stage("angle"))
    found = run(levels[None], ((normal - numbers[0]) / numbers[1])[None], [angle], numbers)
    expected, _ = reference(levels, normal, angle, *numbers[2:])
    assert_equals_published(found[0], expected, stage("out"))


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_the_layer_equals_the_stages_of_the_original(severity):
    numbers = CIFAR[severity - 1]
    normal = golden_output("cifar10_c", "snow", severity, "normal").astype(np.float64)
    angle = golden_output("cifar10_c", "snow", severity, "angle")
    draws = jnp.asarray((normal - numbers[0]) / numbers[1], jnp.float32)[None]
    levels = layer_of(draws, *np.float32(numbers[:4]))
    before = golden_output("cifar10_c", "snow", severity, "layer_u8_before_blur")
    np.testing.assert_array_equal(levels[0, ..., 0], before)
    after = blurred(levels, *np.float32(numbers[4:6]), jnp.float32(angle)[None])[0, ..., 0]
    expected = golden_output("cifar10_c", "snow", severity, "layer_u8_after_blur")
    np.testing.assert_array_equal(after, expected)


@pytest.mark.parametrize("shape", [(28, 28, 1), (29, 44, 3), (66, 40, 3)])
@pytest.mark.parametrize("numbers", CIFAR + LARGE)
def test_equals_the_reference(shape, numbers):
    rng = np.random.default_rng(sum(shape))
    levels = rng.integers(0, 256, (6, *shape)).astype(np.uint8)
    layers, angles = rng.normal(size=(6, *shape[:2])).astype(np.float32), rng.uniform(-135, -45, 6)
    found, compared = run(levels, layers, angles, numbers), 0
    for i in range(6):
        normal = numbers[0] + numbers[1] * np.float64(layers[i])
        expected, clear = reference(levels[i], normal, angles[i], *numbers[2:])
        compared += clear
        if clear:
            np.testing.assert_allclose(found[i], expected, rtol=0, atol=1e-5)
    assert compared >= 2


@pytest.mark.parametrize("zoom", [1, 1.25, 1.5, 1.75, 2, 2.25, 3, 4, 4.5, 7])
@pytest.mark.parametrize("shape", [(28, 45), (32, 32)])
def test_zoom_equals_scipy(shape, zoom):
    layer = np.random.default_rng(0).normal(size=shape)
    found = zoomed_along(jnp.asarray(layer, jnp.float32)[None], np.float32(zoom), 1)
    found = zoomed_along(found, np.float32(zoom), 2)[0]
    np.testing.assert_allclose(found, zoomed(layer, zoom), rtol=0, atol=2e-6)


def test_no_snow_and_nothing_bleached_changes_nothing():
    levels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.uint8)
    found = run(levels, np.zeros((1, 32, 32)), [-90], (0.5, 0.3, 2, 0.7, 10, 4, 1))
    np.testing.assert_array_equal(found, as_float(jnp.asarray(levels)))


def test_a_whole_layer_of_snow_is_white():
    levels = np.zeros((1, 32, 32, 3), np.uint8)
    found = run(levels, np.zeros((1, 32, 32)), [-90], (0.75, 0.3, 2, 0.7, 10, 4, 1))
    np.testing.assert_array_equal(found, 1)


def test_a_given_angle_stands_for_the_drawn_ones():
    rng = np.random.default_rng(2)
    images = jnp.asarray(rng.random((2, 28, 28, 3)), jnp.float32)
    draws = {"layer": jnp.asarray(rng.normal(size=(2, 28, 28)), jnp.float32)}
    given = dict(zip(NAMES, np.float32(CIFAR[2]), strict=True))
    angles = jnp.asarray([0.75, 0.2], jnp.float32)
    drawn = apply(images, {**draws, "angle": angles}, {**given, "angle": np.float32(np.nan)})
    fixed = apply(images, {**draws, "angle": angles}, {**given, "angle": np.float32(-67.5)})
    np.testing.assert_array_equal(drawn[0], fixed[0])
    assert not np.array_equal(drawn[1], fixed[1])


@pytest.mark.parametrize("numbers", [CIFAR[4], LARGE[1]])
def test_the_same_whatever_the_batch(numbers):
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 256, (6, 66, 40, 3)).astype(np.uint8)
    layers, angles = rng.normal(size=(6, 66, 40)), rng.uniform(-135, -45, 6)
    whole = run(levels, layers, angles, numbers)
    alone = [
        run(levels[i : i + 1], layers[i : i + 1], angles[i : i + 1], numbers) for i in range(6)
    ]
    np.testing.assert_allclose(np.concatenate(alone), whole, rtol=0, atol=1e-6)


def test_draws_in_distribution():
    keys = jax.random.split(jax.random.key(0), 400)
    draws = jax.tree.map(np.asarray, DRAWS(keys, (8, 10, 3)))
    assert draws["layer"].shape == (400, 8, 10) and draws["angle"].shape == (400,)
    assert scipy.stats.kstest(draws["layer"].ravel(), "norm").pvalue > 0.01
    assert scipy.stats.kstest(draws["angle"], "uniform").pvalue > 0.01
    pixels = draws["layer"].reshape(400, -1).T
    correlations = np.corrcoef([draws["angle"], *pixels])[0, 1:]
    assert np.abs(correlations).max() < 0.25
