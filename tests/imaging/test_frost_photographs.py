"""Frost from photographs: the crop and the resize of the published code, on stand-ins."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lqjax.degradations.frost import behind_frost
from lqjax.imaging import frost_photographs as photographs
from lqjax.imaging.degrade import degrade
from lqjax.imaging.frost_photographs import (
    FILES,
    crops,
    fitting_sizes,
    no_frost_photographs,
    place_of,
    shrunken,
    use_frost_photographs,
)
from lqjax.imaging.levels import as_float
from lqjax.imaging.operations import OPERATIONS
from tests.comparing import assert_equals_published
from tests.golden import golden_image, golden_output

OP = OPERATIONS["frost"]
SIZES = ((61, 90), (52, 75), (52, 75), (45, 81), (70, 66))
CLEAN = np.random.default_rng(5).integers(0, 256, (2, 28, 33, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name, size in zip(FILES, SIZES, strict=True):
        channels = 4 if name.endswith("png") else 3
        pixels = rng.integers(0, 256, (*size, channels)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / name, quality=95)
    yield tmp_path
    no_frost_photographs()


def opened(folder):
    return [np.asarray(Image.open(folder / name))[:, :, :3] for name in FILES]


def unit_draws(place, height, width, sizes=SIZES):
    """Draws that fall on a given index, row and column."""
    index, y, x = place
    free = np.array([len(sizes), sizes[index][0] - height, sizes[index][1] - width])
    return ((np.array([index, y, x]) + 0.5) / free).astype(np.float32)


def bilinear(photograph, factor):
    """Resize in float64: half-pixel centres, borders repeated, no antialiasing."""
    result = photograph.astype(np.float64)
    for axis in (0, 1):
        length = result.shape[axis]
        place = np.clip((np.arange(round(length * factor)) + 0.5) / factor - 0.5, 0, length - 1)
        first = np.minimum(place.astype(int), length - 2)
        share = (place - first).reshape([-1 if a == axis else 1 for a in range(3)])
        near, far = np.take(result, first, axis), np.take(result, first + 1, axis)
        result = near * (1 - share) + far * share
    return result


@pytest.mark.parametrize("place", [(0, 0, 0), (4, 41, 32), (3, 16, 47), (1, 3, 2)])
@pytest.mark.parametrize(("image_weight", "frost_weight"), [(1, 0.4), (0.6, 0.75)])
def test_a_given_crop_equals_the_published_formula(folder, place, image_weight, frost_weight):
    use_frost_photographs(folder)
    index, y, x = place
    piece = opened(folder)[index][y : y + 28, x : x + 33]
    exact = np.clip(image_weight * CLEAN[0].astype(float) + frost_weight * piece, 0, 255) / 255
    draws = {
        "place": jnp.asarray(unit_draws(place, 28, 33))[None],
        "texture": jnp.zeros((1, 2), jnp.uint32),
    }
    given = as_float(jnp.asarray(CLEAN[:1]))
    weights = {"image_weight": np.float32(image_weight), "frost_weight": np.float32(frost_weight)}
    found = jax.jit(lambda images, draws, weights: OP.apply(images, draws, **weights))(
        given, draws, weights
    )
    assert_equals_published(found[0], exact)


@pytest.mark.parametrize("factor", [0.2, 0.3, 0.7])
@pytest.mark.parametrize("size", [(315, 56), (99, 35), (35, 99)])
def test_resize_is_bilinear_without_antialiasing(factor, size):
    photograph = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    found = shrunken(photograph, factor)
    exact = bilinear(photograph, factor)
    assert found.shape == exact.shape and found.dtype == np.uint8
    assert np.abs(found - exact).max() < 1  # its fixed-point numbers have 11 bits, cut off


def test_photographs_are_shrunken_before_the_crop(folder):
    use_frost_photographs(folder)
    places = np.array([[2, 1, 3], [4, 0, 2]], np.int32)
    found = np.rint(np.asarray(crops(places, 0.7, 28, 30)) * 255)
    for piece, (index, y, x) in zip(found, places, strict=True):
        whole = shrunken(opened(folder)[index], 0.7)
        np.testing.assert_array_equal(piece, whole[y : y + 28, x : x + 30])


def test_places_cover_all_photographs_and_offsets():
    sizes = np.array(SIZES)
    draws = np.random.default_rng(2).random((20000, 3)).astype(np.float32)
    places = np.asarray(jax.vmap(lambda draw: place_of(draw, sizes, 40, 60))(draws))
    for index, size in enumerate(sizes):
        chosen = places[places[:, 0] == index]
        assert len(chosen) == pytest.approx(4000, abs=4 * (4000 * 0.8) ** 0.5)
        free = size - (40, 60)
        np.testing.assert_array_equal(chosen[:, 1:].min(axis=0), 0)
        np.testing.assert_array_equal(chosen[:, 1:].max(axis=0), free - 1)


@pytest.mark.slow
def test_switching_takes_effect_at_once_and_back(folder):
    condition = "frost(image_weight=0,frost_weight=1)"
    drawn = degrade(CLEAN, condition)
    use_frost_photographs(folder)
    photographed = degrade(CLEAN, condition)
    assert not np.array_equal(photographed, drawn)
    pieces = [
        np.lib.stride_tricks.sliding_window_view(p, (28, 33, 3)).reshape(-1, 28, 33, 3)
        for p in opened(folder)
    ]
    for image in photographed:
        assert any((np.abs(p - image.astype(int)).max(axis=(1, 2, 3)) == 0).any() for p in pieces)
    no_frost_photographs()
    np.testing.assert_array_equal(degrade(CLEAN, condition), drawn)


def test_grey_images_take_the_luma():
    panes = jnp.asarray(np.random.default_rng(3).random((1, 28, 28, 3)), jnp.float32)
    grey = jnp.asarray(np.random.default_rng(4).random((1, 28, 28, 1)), jnp.float32)
    found = behind_frost(grey, panes, 0.5, 0.5)
    exact = 0.5 * np.asarray(grey)[..., 0] + 0.5 * (
        np.asarray(panes, float) @ (0.299, 0.587, 0.114)
    )
    np.testing.assert_allclose(found[..., 0], exact, rtol=0, atol=1e-6)


def test_missing_and_broken_files_are_named(folder):
    (folder / "frost4.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"frost4\.jpg cannot be read"):
        use_frost_photographs(folder)
    (folder / "frost4.jpg").unlink()
    with pytest.raises(ValueError, match=r"frost4\.jpg is missing"):
        use_frost_photographs(folder)
    assert photographs.frost_photographs() == ()


@pytest.mark.parametrize("size", [(45, 28), (28, 66), (300, 300)])
def test_images_as_large_as_a_photograph_are_refused(folder, size):
    use_frost_photographs(folder)
    with pytest.raises(
        ValueError, match=r"frost.*larger; frost\d\.(png|jpg) has .* px at shrink=1"
    ):
        fitting_sizes(1.0, *size)
    with pytest.raises(ValueError, match="no_frost_photographs"):
        degrade(np.zeros((*size, 3), np.uint8), "frost(image_weight=1,frost_weight=0.4)")


@pytest.mark.parametrize(
    ("severity", "weights"), [(1, (1, 0.2)), (3, (0.9, 0.4)), (5, (0.75, 0.45))]
)
def test_published_crops_give_the_published_output(severity, weights):
    published = os.environ.get("LQJAX_FROST_PHOTOGRAPHS")
    if not published:
        pytest.skip("LQJAX_FROST_PHOTOGRAPHS names no folder with the published photographs")
    use_frost_photographs(published)
    try:
        place = golden_output("cifar10_c", "frost", severity, "index_y_x")
        pane = crops(place[None], 0.2, 32, 32)
        image = golden_image()[None]
        found = behind_frost(as_float(jnp.asarray(image)), pane, *weights)
        levels = np.rint(np.asarray(pane, np.float64) * 255)
        exact = np.clip(weights[0] * image + weights[1] * levels, 0, 255) / 255
        out = golden_output("cifar10_c", "frost", severity, "out")
        assert_equals_published(found[0], exact[0], out)
    finally:
        no_frost_photographs()
