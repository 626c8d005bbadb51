"""Every augmentation: the contract of all, and each against an independent definition."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from lqjax.augmentations.base import AUGMENTATIONS, augment
from lqjax.augmentations.rotation_zoom import rotation_zoom
from lqjax.config import AugmentationConfig
from lqjax.runtime import batch_sharded, make_mesh, replicated

pytestmark = pytest.mark.usefixtures("quick_compilation")

OFF = AugmentationConfig()
ON = {
    "crop": {"crop_padding": 4},
    "flip": {"flip": True},
    "rotation_zoom": {"rotation": 10.0, "zoom": 0.15},
    "brightness": {"brightness": 0.2},
    "contrast": {"contrast": 0.2},
    "noise": {"noise_sigma": 0.05},
    "erasing": {"erasing": 0.5},
    "channel_transfer": {"channel_transfer": 0.5},
    "randaugment": {"randaugment_operations": 2},
}
COLOUR_ONLY = ("channel_transfer",)
KEY = jax.random.key(7)


def images(channels=3, seed=0, batch=32):
    return np.random.default_rng(seed).uniform(size=(batch, 28, 36, channels)).astype(np.float32)


def settings(name):
    return dataclasses.replace(OFF, **ON[name])


CASES = [
    (name, channels)
    for name in AUGMENTATIONS
    for channels in (1, 3)
    if channels == 3 or name not in COLOUR_ONLY
]


@pytest.mark.parametrize(("name", "channels"), CASES)
def test_contract(name, channels):
    augmentation, given = AUGMENTATIONS[name], jnp.asarray(images(channels))
    assert augmentation.active(settings(name)) and not augmentation.active(OFF)
    program = jax.jit(augmentation.apply, static_argnums=2)
    found = np.asarray(program(KEY, given, settings(name)))
    assert found.shape == given.shape and found.dtype == given.dtype
    assert found.min() >= 0 and found.max() <= 1
    if channels == 3:  # line by line, each one a program: once is enough
        again = augmentation.apply(KEY, given, settings(name))
        np.testing.assert_allclose(found, again, atol=1e-5)
    other = program(jax.random.key(8), given, settings(name))
    assert not np.array_equal(found, other)
    changed = np.abs(found - np.asarray(given)).reshape(len(given), -1).max(1)
    assert len(np.unique(changed)) > 1, "every example must draw for itself"


def test_nothing_asked_for_changes_nothing():
    given = jnp.asarray(images())
    assert augment(KEY, given, OFF) is given


def test_what_one_draws_does_not_depend_on_the_others():
    """Flips commute with a change of brightness, whose order is after them."""
    given = jnp.asarray(images())
    both = dataclasses.replace(OFF, **ON["flip"], **ON["brightness"])
    flipped = augment(KEY, given, settings("flip"))
    np.testing.assert_array_equal(
        augment(KEY, flipped, settings("brightness")), augment(KEY, given, both)
    )


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_eight_devices_draw_what_one_draws(name):
    given = images(batch=16)
    mesh = make_mesh(8)
    program = jax.jit(
        lambda key, batch: augment(key, batch, settings(name)),
        in_shardings=(replicated(mesh), batch_sharded(mesh)),
        out_shardings=batch_sharded(mesh),
    )
    one = jax.jit(lambda key, batch: augment(key, batch, settings(name)))(KEY, given)
    sharded = program.lower(KEY, given).compile()
    np.testing.assert_allclose(sharded(KEY, given), one, rtol=0, atol=1e-5)
    assert "all-gather" not in sharded.as_text(), "images must stay where they are"


def test_flip_mirrors_half_of_the_images():
    given = images(batch=400)
    found = np.asarray(AUGMENTATIONS["flip"].apply(KEY, jnp.asarray(given), settings("flip")))
    kept = (found == given).all((1, 2, 3))
    mirrored = (found == given[:, :, ::-1]).all((1, 2, 3))
    assert (kept ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


def test_crop_shows_windows_of_the_reflected_image():
    given = images(batch=64)
    found = np.asarray(AUGMENTATIONS["crop"].apply(KEY, jnp.asarray(given), settings("crop")))
    seen = set()
    for image, window in zip(given, found, strict=True):
        padded = np.pad(image, ((4, 4), (4, 4), (0, 0)), mode="reflect")
        places = [
            (y, x)
            for y in range(9)
            for x in range(9)
            if np.array_equal(padded[y : y + 28, x : x + 36], window)
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) > 30 and max(seen)[0] == 8 and min(seen)[0] == 0


def test_rotation_against_scipy():
    given = images(batch=8)
    chosen = dataclasses.replace(OFF, rotation=10.0)
    found = np.asarray(rotation_zoom(KEY, jnp.asarray(given), chosen))
    angle_key, _ = jax.random.split(KEY)
    limit = np.deg2rad(10.0)
    angles = jax.random.uniform(angle_key, (8,), minval=-limit, maxval=limit)
    for image, result, angle in zip(given, found, np.rad2deg(np.asarray(angles)), strict=True):
        expected = scipy.ndimage.rotate(
            image.astype(np.float64), -angle, reshape=False, order=1, mode="nearest"
        )
        np.testing.assert_allclose(result, expected, atol=1e-4)


def test_zoom_enlarges_about_the_centre():
    row = np.linspace(-1, 1, 36, dtype=np.float32) * 0.25 + 0.5
    given = jnp.asarray(np.broadcast_to(row[None, None, :, None], (64, 28, 36, 1)))
    found = np.asarray(rotation_zoom(KEY, given, dataclasses.replace(OFF, zoom=0.15)))
    slope = (found[:, 14, 22, 0] - found[:, 14, 13, 0]) / (row[22] - row[13])
    assert 1 / 1.16 < slope.min() < 0.95 and 1.05 < slope.max() < 1 / 0.84
    np.testing.assert_allclose(found[:, 14, 17:19, 0].mean(1), 0.5, atol=1e-5)


def test_brightness_and_contrast_stay_within_their_range():
    given = np.full((64, 28, 28, 1), 0.5, np.float32)
    given[:, ::2] = 0.4
    given = jnp.asarray(given)
    light = np.asarray(AUGMENTATIONS["brightness"].apply(KEY, given, settings("brightness")))
    factors = light[:, 1, 0, 0] / 0.5
    assert 0.8 <= factors.min() < 0.85 and 1.15 < factors.max() <= 1.2
    np.testing.assert_allclose(light[:, 0, 0, 0], 0.4 * factors, rtol=1e-5)
    spread = np.asarray(AUGMENTATIONS["contrast"].apply(KEY, given, settings("contrast")))
    np.testing.assert_allclose(spread.mean((1, 2, 3)), 0.45, rtol=1e-5)
    ratio = (spread[:, 1, 0, 0] - spread[:, 0, 0, 0]) / 0.1
    assert 0.8 <= ratio.min() < 0.85 and 1.15 < ratio.max() <= 1.2001
