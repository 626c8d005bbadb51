"""The suite of light, optics, air and dirt: evenness, paths, levels."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
import skimage.transform

from lqjax.imaging.conditions import parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.psnr import psnr
from lqjax.imaging.suites import SUITES

SCENE = SUITES["scene"]
CONTINUOUS = [entry.name for entry in SCENE.entries if entry.path]
DECIBELS = {
    "uneven_illumination": (32, 28, 24, 20, 16),
    "vignetting": (32, 27, 22, 17, 12),
    "bit_depth": (47, 41, 35, 28, 21),
    "dust_and_scratches": (32, 28, 25, 22, 19),
    "haze": (30, 24.5, 19, 14, 9.5),
}
EXAMPLES = 12
"""Copies of the picture; means of as many draws."""
TOLERANCE = 2  # dB; the means of what is drawn scatter by half of that


@pytest.fixture(scope="module")
def portraits():
    picture = skimage.transform.resize(skimage.data.astronaut(), (224, 224), anti_aliasing=True)
    return np.repeat(np.round(picture * 255).astype(np.uint8)[None], EXAMPLES, axis=0)


def quality(found, given):
    each = np.asarray(psnr(jnp.float32(found) / 255, jnp.float32(given) / 255))
    return each[np.isfinite(each)].mean()


@pytest.mark.parametrize("name", SCENE.names())
def test_levels_fall_as_evenly_as_the_source_says(name, portraits):
    found = [quality(degrade(portraits, f"scene/{name}@{n}"), portraits) for n in SCENE.levels]
    np.testing.assert_allclose(found, DECIBELS[name], atol=TOLERANCE)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_severity_0_is_the_identity_bit_for_bit(name):
    given = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(degrade(given, f"scene/{name}@0"), given)
    floats = given * np.float32(1 / 255)
    np.testing.assert_array_equal(degrade(floats, f"scene/{name}@0"), floats)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_damage_grows_between_the_levels(name, portraits):
    small = portraits[:, 20:84, 70:134]
    found = [quality(degrade(small, f"scene/{name}@{n}"), small) for n in (0.4, 1, 1.7, 2, 4.5, 5)]
    if name == "dust_and_scratches":  # below level 1 most of these small images have no dirt
        found = found[1:]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_whole_severities_are_the_levels(name):
    entry = SCENE.entry(name)
    for level in SCENE.levels:
        assert entry.at(float(level)) == entry.levels[level]
    assert list(entry.path) == list(entry.levels["1"])


def test_bits_are_whole_and_four_are_level_3():
    with pytest.raises(ValueError, match="bits are whole"):
        parse("scene/bit_depth@2.5")
    assert parse("scene/bit_depth@3").steps[0].parameters == {"bits": 4}
    assert parse("bit_depth(bits=4)").label == "bit depth, bits 4"
