"""Elastic transform against the published outputs and against SciPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import skimage.filters

from lqjax.degradations.elastic_transform import displacements, inverse_affine
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["elastic_transform"]
PUBLISHED = {  # alpha, sigma, jitter of CIFAR-10-C: 32 px times the factors of the original code
    1: (32 * 0.0, 32 * 0.0, 32 * 0.08),
    3: (32 * 0.08, 32 * 0.06, 32 * 0.06),
    5: (32 * 0.1, 32 * 0.03, 32 * 0.03),
}
AT_224 = [(488.0, 170.8, 24.4), (488.0, 19.52, 48.8), (12.2, 2.44, 4.88), (29.28, 2.44, 4.88)]


def forward_map(points, size, jitter):
    """The affine map that moves the corners, float64, from a system of six equations."""
    height, width = size
    reach = min(size) // 3
    x, y = height // 2, width // 2  # the published code confuses the two
    before = np.float32([[x + reach, y + reach], [x + reach, y - reach], [x - reach, y - reach]])
    after = before + np.float32(np.float64(np.float32(jitter)) * points)
    system = np.column_stack([before.astype(np.float64), np.ones(3)])
    return np.linalg.solve(system, after.astype(np.float64)).T


def warp(image, points, jitter, exact):
    height, width, _ = image.shape
    forward = forward_map(points, (height, width), jitter)
    linear = np.linalg.inv(forward[:, :2])
    shift = -linear @ forward[:, 2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    sources = []
    for axis in (1, 0):
        by_x, by_y = linear[axis]
        if exact:
            sources.append(by_x * x + by_y * y + shift[axis])
        else:
            fine = np.rint(by_x * x * 1024) + np.rint((by_y * y + shift[axis]) * 1024)
            sources.append(np.floor((fine + 16) / 32) / 32)
    return sample(image, sources, "mirror")


def sample(image, sources, mode):
    channels = [
        scipy.ndimage.map_coordinates(image[..., c], sources, order=1, mode=mode)
        for c in range(image.shape[2])
    ]
    return np.stack(channels, axis=-1)


def smooth(field, sigma, alpha):
    sigma, alpha = float(np.float32(sigma)), float(np.float32(alpha))
    return [
        skimage.filters.gaussian(one.astype(np.float64), sigma, mode="reflect", truncate=3) * alpha
        for one in field
    ]


def reference(image, draws, alpha, sigma, jitter, exact):
    warped = warp(image.astype(np.float64), draws["points"], jitter, exact)
    dx, dy = smooth(draws["field"], sigma, alpha)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.clip(sample(warped, [y + dy, x + dx], "reflect"), 0, 1)


def apply(image, draws, alpha, sigma, jitter, exact=0):
    batched = {name: jnp.asarray(draw, jnp.float32)[None] for name, draw in draws.items()}
    found = jax.jit(OP.apply)(
        jnp.asarray(image)[None],
        batched,
        alpha=np.float32(alpha),
        sigma=np.float32(sigma),
        jitter=np.float32(jitter),
        exact_coordinates=np.int32(exact),
    )
    return np.asarray(found[0])


def published_draws(severity):
    def stored(field):
        return golden_output("cifar10_c", "elastic_transform", severity, field)

    return {"points": stored("u_points"), "field": np.stack([stored("u_dx"), stored("u_dy")])}


def random_draws(seed, size):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (3, 2)).astype(np.float32)
    return {"points": points, "field": rng.uniform(-1, 1, (2, *size)).astype(np.float32)}


def stored_image():
    return (golden_image() / 255).astype(np.float32)


@pytest.mark.parametrize("severity", PUBLISHED)
@pytest.mark.parametrize("exact", [0, 1])
def test_equals_the_published_output(severity, exact):
    parameters = PUBLISHED[severity]
    draws = published_draws(severity)
    found = apply(stored_image(), draws, *parameters, exact)
    field = "out" if exact else "out_cv34"
    published = golden_output("cifar10_c", "elastic_transform", severity, field)
    expected = reference(golden_image() / 255, draws, *parameters, exact)
    assert_equals_published(found, expected, published)


@pytest.mark.parametrize("severity", PUBLISHED)
def test_equals_the_published_stages(severity):
    alpha, sigma, jitter = PUBLISHED[severity]
    draws = published_draws(severity)

    def stored(field):
        return golden_output("cifar10_c", "elastic_transform", severity, field)

    points = jnp.asarray(draws["points"])[None]
    linear, shift = jax.jit(inverse_affine, static_argnums=1)(points, (32, 32), np.float32(jitter))
    inverse = np.eye(3)
    inverse[:2] += np.column_stack([linear[0][0], shift[0][0]])
    found = np.linalg.inv(inverse)[:2]
    np.testing.assert_allclose(found, stored("affine_M"), rtol=0, atol=2e-6)
    for field, exact in (("warped_cv34", 0), ("warped", 1)):
        found = apply(stored_image(), draws, 0, 0, jitter, exact)
        np.testing.assert_allclose(found, stored(field), rtol=0, atol=3e-6)
    field = jnp.asarray(draws["field"])[None]
    fields = jax.jit(displacements)(field, np.float32(sigma), np.float32(alpha))
    np.testing.assert_allclose(fields[0, 0], stored("dx"), rtol=0, atol=2e-6)
    np.testing.assert_allclose(fields[0, 1], stored("dy"), rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 41, 1), (61, 34, 3)])
@pytest.mark.parametrize("exact", [0, 1])
def test_equals_scipy(shape, exact):
    image = np.random.default_rng(shape[1]).random(shape).astype(np.float32)
    for seed, parameters in enumerate([(24.0, 8.0, 3.0), (60.0, 2.0, 6.0), (0.0, 5.0, 2.0)]):
        draws = random_draws(seed, shape[:2])
        found = apply(image, draws, *parameters, exact)
        expected = reference(image, draws, *parameters, exact)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", AT_224)
def test_equals_scipy_at_224(parameters):
    image = np.random.default_rng(1).random((224, 224, 3)).astype(np.float32)
    for exact in (0, 1):
        draws = random_draws(2, (224, 224))
        found = apply(image, draws, *parameters, exact)
        expected = reference(image, draws, *parameters, exact)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_folding_map_stays_finite():
    """Corners that change places turn the image over; on one line, there is no map at all."""
    image = np.random.default_rng(3).random((30, 30, 3)).astype(np.float32)
    draws = random_draws(4, (30, 30))
    for jitter in (9.5, 30.0, 100.0):
        for exact in (0, 1):
            found = apply(image, draws, 5, 2, jitter, exact)
            assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
    draws["points"] = np.float32([[0, -1], [0, 1], [0, 0]])  # the first two corners meet
    assert np.isfinite(apply(image, draws, 0, 0, 10.0)).all()


def test_nothing_moves_without_jitter_and_alpha():
    image = np.random.default_rng(5).random((28, 33, 3)).astype(np.float32)
    for exact in (0, 1):
        np.testing.assert_array_equal(
            apply(image, random_draws(6, (28, 33)), 0, 4, 0, exact), image
        )


def test_coordinates_are_rounded_unless_exact():
    image = stored_image()
    draws = random_draws(7, (32, 32))
    difference = np.abs(apply(image, draws, 0, 0, 2.0, 0) - apply(image, draws, 0, 0, 2.0, 1))
    assert 1e-3 < difference.max() < 0.05


@pytest.mark.parametrize("level", [0, 1])
def test_black_and_white_stay(level):
    image = np.full((28, 28, 3), level, np.float32)
    found = apply(image, random_draws(8, (28, 28)), 30, 3, 4)
    np.testing.assert_allclose(found, image, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_draws_are_uniform():
    draws = OP.draws(jax.random.split(jax.random.key(0), 40), (20, 26, 3))
    assert draws["points"].shape == (40, 3, 2) and draws["field"].shape == (40, 2, 20, 26)
    for name, drawn in draws.items():
        values = np.asarray(drawn).ravel()
        assert values.min() >= -1 and values.max() < 1
        test = scipy.stats.kstest(values, scipy.stats.uniform(-1, 2).cdf)
        assert test.pvalue > 0.01, name
    first, second = (np.asarray(draws["field"][:, i]).ravel() for i in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(first.size)
