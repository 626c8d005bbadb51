"""Glass blur against the published outputs and against a loop over pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import skimage.filters

from lqjax.degradations.glass_blur import MAX_ITERATIONS, MAX_SIGMA, blurred_levels, shuffle
from lqjax.imaging.levels import from_levels
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["glass_blur"]
PUBLISHED = {1: (0.05, 1, 1), 3: (0.4, 1, 1), 5: (0.4, 1, 2)}  # CIFAR-10-C
HALF_WORD = 1 << 16


def gaussian(image, sigma):
    sigma = float(np.float32(sigma))
    return skimage.filters.gaussian(image, sigma, mode="nearest", truncate=4, channel_axis=-1)


def reference(levels, moves, sigma, delta):
    """The published loop; `moves` (passes, height, width, 2) holds dx, dy by pixel."""
    before = np.uint8(gaussian(levels / 255.0, sigma) * 255)
    shuffled = loop(before, moves, delta)
    return before, shuffled, np.clip(gaussian(shuffled / 255.0, sigma), 0, 1)


def loop(image, moves, delta):
    image = image.copy()
    height, width = image.shape[:2]
    for one_pass in moves:
        for h in range(height - delta, delta, -1):
            for w in range(width - delta, delta, -1):
                dx, dy = one_pass[h, w]
                image[h, w] = image[h + dy, w + dx]
    return image


def words(moves, delta):
    """Draws that lead to the given moves."""
    passes = np.zeros((MAX_ITERATIONS, *moves.shape[1:3]), np.uint32)
    side = 2 * delta
    number = (moves[..., 1].astype(int) + delta) * side + moves[..., 0] + delta
    passes[: len(moves)] = -(-number * HALF_WORD // side**2)  # the least that is enough
    return (passes[0::2] | (passes[1::2] << 16)).astype(np.uint32)


def moves_of(draws, delta, iterations):
    """What the documentation says about the draws, in fractions."""
    passes = np.stack([draws[0] & 0xFFFF, draws[0] >> 16, draws[1] & 0xFFFF, draws[1] >> 16])
    share = passes[:iterations] / HALF_WORD * (2 * delta)
    dy = np.floor(share)
    dx = np.floor((share - dy) * (2 * delta))
    return np.stack([dx - delta, dy - delta], axis=-1).astype(int)


def apply(levels, draws, sigma, delta, iterations):
    found = jax.jit(OP.apply)(
        from_levels(jnp.asarray(levels))[None],
        jnp.asarray(draws)[None],
        sigma=np.float32(sigma),
        delta=np.int32(delta),
        iterations=np.int32(iterations),
    )
    return np.asarray(found[0])


def cut(levels, sigma):
    return jax.jit(blurred_levels)(from_levels(jnp.asarray(levels))[None], np.float32(sigma))


def passes(levels, draws, delta, iterations):
    """All passes over one picture, without the blurs."""
    levels = jnp.asarray(levels, jnp.int32)[None]
    return np.asarray(jax.jit(shuffle)(levels, jnp.asarray(draws)[None], delta, iterations)[0])


def picture(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def random_words(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1 << 32, (MAX_ITERATIONS // 2, *shape), dtype=np.uint32)


def published_moves(severity, delta):
    """The recorded moves, in scan order from the bottom right, laid out by pixel."""
    recorded = golden_output("cifar10_c", "glass_blur", severity, "dxdy")
    passes, rows, columns, _ = recorded.shape
    moves = np.zeros((passes, 32, 32, 2), int)
    moves[:, delta + 1 : delta + 1 + rows, delta + 1 : delta + 1 + columns] = recorded[
        :, ::-1, ::-1
    ]
    return moves


@pytest.mark.parametrize("severity", PUBLISHED)
def test_equals_the_published_output(severity):
    sigma, delta, iterations = PUBLISHED[severity]
    moves = published_moves(severity, delta)
    assert len(moves) == iterations

    def stored(field):
        return golden_output("cifar10_c", "glass_blur", severity, field)

    before, shuffled, expected = reference(golden_image(), moves, sigma, delta)
    np.testing.assert_array_equal(before, stored("pre"))
    np.testing.assert_array_equal(shuffled, stored("shuffled"))
    found = apply(golden_image(), words(moves, delta), sigma, delta, iterations)
    assert_equals_published(found, expected, stored("out"))


@pytest.mark.parametrize("severity", PUBLISHED)
def test_equals_the_published_stages_bit_for_bit(severity):
    sigma, delta, iterations = PUBLISHED[severity]
    draws = words(published_moves(severity, delta), delta)
    before = cut(golden_image(), sigma)[0]
    after = passes(before, draws, delta, iterations)
    for found, field in ((before, "pre"), (after, "shuffled")):
        stored = golden_output("cifar10_c", "glass_blur", severity, field)
        np.testing.assert_array_equal(found, stored)


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 45, 1), (50, 31, 3)])
@pytest.mark.parametrize("parameters", [(0.7, 1, 2), (1.0, 2, 3), (1.5, 4, 2), (1.2, 5, 4)])
def test_equals_the_loop(shape, parameters):
    sigma, delta, iterations = parameters
    levels, draws = picture(shape), random_words(shape[:2])
    _, _, expected = reference(levels, moves_of(draws, delta, iterations), sigma, delta)
    found = apply(levels, draws, sigma, delta, iterations)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_equals_the_loop_at_224():
    levels, draws = picture((224, 224, 3)), random_words((224, 224))
    before = np.asarray(cut(levels, 1.5))[0]
    exact = gaussian(levels / 255.0, 1.5) * 255
    wrong = before != np.uint8(exact)
    # In 150 000 values of noise, one may lie closer to a level than float32 can tell.
    assert wrong.sum() <= 2 and np.abs(exact - np.rint(exact))[wrong].max(initial=0) < 2e-5
    shuffled = loop(before, moves_of(draws, 4, 1), 4)
    expected = np.clip(gaussian(shuffled / 255.0, 1.5), 0, 1)
    np.testing.assert_allclose(apply(levels, draws, 1.5, 4, 1), expected, rtol=0, atol=1e-5)


def snake(size, delta):
    """Moves of one chain: right along a row, at its end down and left, and right again."""
    height, width = size
    moves = np.zeros((1, height, width, 2), int)
    moves[..., 0] = 1
    moves[:, :, width - delta] = (-delta, 1)
    return moves


@pytest.mark.parametrize("size", [(28, 28), (28, 41), (40, 28)])
@pytest.mark.parametrize("delta", [2, 3, 8])
def test_follows_the_longest_chains(size, delta):
    levels = picture((*size, 3))
    right, down = np.zeros((2, 1, *size, 2), int)
    right[..., 0], down[..., 1] = 1, 1
    for moves in (right, down, snake(size, delta)):
        found = passes(levels, words(moves, delta), delta, 1)
        np.testing.assert_array_equal(found, loop(levels, moves, delta))


def test_leaves_the_border_alone():
    """Rows and columns 0..delta at the top and left, delta - 1 at the bottom and right."""
    levels, delta = picture((30, 36, 3)), 3
    found = passes(levels, random_words((30, 36)), delta, 4)
    changed = (found != levels).any(axis=-1)
    assert not changed[: delta + 1].any() and not changed[30 - delta + 1 :].any()
    assert not changed[:, : delta + 1].any() and not changed[:, 36 - delta + 1 :].any()
    assert changed[delta + 1 : 30 - delta + 1, delta + 1 : 36 - delta + 1].mean() > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (5, 9), (9, 4)])
def test_images_smaller_than_the_reach(size):
    levels, draws = picture((*size, 3)), random_words(size)
    _, _, expected = reference(levels, moves_of(draws, 4, 2), 1.0, 4)
    np.testing.assert_allclose(apply(levels, draws, 1.0, 4, 2), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", [0, 1, 254, 255])
def test_constant_images_stay(level):
    levels = np.full((28, 28, 3), level, np.uint8)
    found = apply(levels, random_words((28, 28)), 1.5, 4, 2)
    np.testing.assert_allclose(found, level / 255, rtol=0, atol=1e-6)


def test_largest_sigma():
    levels, draws = picture((28, 33, 3)), random_words((28, 33))
    _, _, expected = reference(levels, moves_of(draws, 1, 1), MAX_SIGMA, 1)
    np.testing.assert_allclose(apply(levels, draws, MAX_SIGMA, 1, 1), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("delta", [1, 2, 3, 5, 8])
def test_moves_are_uniform_and_independent(delta):
    draws = np.asarray(OP.draw(jax.random.key(5), (60, 50, 3)))
    assert draws.shape == (MAX_ITERATIONS // 2, 60, 50) and draws.dtype == np.uint32
    moves = moves_of(draws, delta, MAX_ITERATIONS)
    assert moves.min() == -delta and moves.max() == delta - 1
    codes = (moves[..., 1] + delta) * 2 * delta + moves[..., 0] + delta
    counts = np.bincount(codes.ravel(), minlength=4 * delta**2)
    assert scipy.stats.chisquare(counts).pvalue > 0.01
    for first, second in ((codes[0], codes[1]), (codes[0], codes[2])):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4 / np.sqrt(first.size)
