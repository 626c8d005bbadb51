import io

import jax
import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import fft

from lqjax.auditing.hashing import hash_bits, packed
from lqjax.auditing.samples import TILE
from tests.auditing.scenes import leaves, scenes

NEAR, FAR = 6, 16
"""Bits."""


def tile(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L").resize((TILE, TILE), Image.Resampling.BOX))


def hashed(*pictures: Image.Image) -> np.ndarray:
    return packed(np.asarray(jax.jit(hash_bits)(np.stack([tile(p) for p in pictures]))))


def distance(one: np.uint64, other: np.uint64) -> int:
    return int(np.bitwise_count(one ^ other))


def variants(picture: Image.Image):
    width, height = picture.size
    yield picture.resize((width // 2, height // 2))
    yield picture.resize((int(0.7 * width), int(0.7 * height)), Image.Resampling.BILINEAR)
    yield picture.resize((int(1.4 * width), int(1.6 * height)), Image.Resampling.BICUBIC)
    for quality in (20, 60):
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=quality)
        yield Image.open(written)
    yield picture.point(lambda level: min(255, int(1.15 * level + 8)))
    yield picture.filter(ImageFilter.GaussianBlur(2))


def test_the_same_picture_is_near_and_others_are_far():
    pictures = [Image.fromarray(p) for p in (*scenes().values(), leaves(1), leaves(2))]
    hashes = hashed(*pictures)
    for own, picture in zip(hashes, pictures, strict=True):
        assert max(distance(own, other) for other in hashed(*variants(picture))) <= NEAR
    for row, one in enumerate(hashes):
        assert all(distance(one, other) >= FAR for other in hashes[:row])


def test_bits_are_those_of_a_cosine_transform():
    """Where a frequency is not within the rounding of the median."""
    picture = Image.fromarray(leaves(0))
    spectrum = fft.dctn(tile(picture).astype(np.float64), norm=None)
    spectrum[0] *= np.sqrt(1)  # SciPy's scale is the same for all frequencies
    order = sorted(
        ((y, x) for y in range(TILE) for x in range(TILE)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p)
    )[1:65]
    values = np.asarray([spectrum[place] for place in order])
    median = np.median(values)
    found = np.asarray(hash_bits(tile(picture)[None]))[0]
    clear = np.abs(values - median) > 0.01 * np.abs(values).max()
    assert clear.sum() > 40
    np.testing.assert_array_equal(found[clear], (values > median)[clear])


def test_flat_pictures_have_one_hash():
    levels = [Image.new("L", (40, 30), level) for level in (0, 90, 255)]
    assert hashed(*levels).tolist() == [0, 0, 0]


def test_packing_puts_the_lowest_frequency_first():
    bits = np.zeros((2, 64), bool)
    bits[0, 0] = bits[1, 63] = True
    assert packed(bits).tolist() == [2**63, 1]
    assert packed(bits).dtype == np.uint64


@pytest.mark.parametrize("batch", [1, 7])
def test_hashes_do_not_depend_on_the_batch(batch):
    tiles = np.random.default_rng(0).integers(0, 256, (7, TILE, TILE), np.uint8)
    whole = np.asarray(hash_bits(tiles))
    parts = [np.asarray(hash_bits(tiles[s : s + batch])) for s in range(0, 7, batch)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
