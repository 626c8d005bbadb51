"""The suites of our own on sensors and resolution: evenness, paths, levels."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
import skimage.transform

from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.psnr import psnr
from lqjax.imaging.resampling import KERNELS
from lqjax.imaging.suites import SUITES

SENSOR = SUITES["sensor"]
CONTINUOUS = [entry.name for entry in SENSOR.entries if entry.path]
EVEN = (32, 27, 22, 17, 12)  # dB
OTHERWISE = {"low_resolution": (30.5, 26, 22.5, 19, 16), "low_light": (16.5, 11.5, 9, 7.5, 7)}


@pytest.fixture(scope="module")
def portrait():
    picture = skimage.transform.resize(skimage.data.astronaut(), (224, 224), anti_aliasing=True)
    return np.round(picture * 255).astype(np.uint8)[None]


def quality(found, given):
    return float(psnr(jnp.float32(found) / 255, jnp.float32(given) / 255)[0])


@pytest.mark.parametrize("name", SENSOR.names())
def test_levels_fall_as_evenly_as_the_source_says(name, portrait):
    found = [quality(degrade(portrait, f"sensor/{name}@{n}"), portrait) for n in SENSOR.levels]
    np.testing.assert_allclose(found, OTHERWISE.get(name, EVEN), atol=1)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_severity_0_is_the_identity_bit_for_bit(name):
    given = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(degrade(given, f"sensor/{name}@0"), given)
    floats = given * np.float32(1 / 255)
    np.testing.assert_array_equal(degrade(floats, f"sensor/{name}@0(quantize=0)"), floats)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_damage_grows_between_the_levels(name, portrait):
    small = portrait[:, 20:84, 70:134]
    found = [quality(degrade(small, f"sensor/{name}@{n}"), small) for n in (0.4, 1, 1.7, 2, 4.5, 5)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_whole_severities_are_the_levels(name):
    entry = SENSOR.entry(name)
    for level in SENSOR.levels:
        assert entry.at(float(level)) == entry.levels[level]
    assert list(entry.path) == list(entry.levels["1"])


def test_between_levels_noise_grows_with_one_over_photons():
    parameters = parse("sensor/shot_and_read_noise@0.5").steps[0].parameters
    assert parameters == {"photons": pytest.approx(1300), "read_noise": 3}
    assert parse("sensor/low_light@0").steps[0].parameters["photons"] == math.inf


def test_the_chain_is_blur_then_noise_then_jpeg():
    (condition,) = expand("sensor/chain@3")
    names = [step.operation.name for step in condition.steps]
    assert names == ["gaussian_blur_replicate", "gaussian_noise", "jpeg"]
    assert condition.name == "sensor/chain@3" and "blur 1.2 px" in condition.label
    for severity in ("2.5", "0"):
        with pytest.raises(ValueError, match="ends in JPEG"):
            parse(f"sensor/chain@{severity}")


def test_all_conditions_of_the_suites_can_be_read():
    assert len(expand("sensor/*")) == len(SENSOR.entries) * len(SENSOR.levels)
    assert len(expand("low_resolution/*")) == 4 * 11
    assert [c.level for c in expand("low_resolution/nearest@*")][:2] == ["224", "192"]


def test_the_ladder_names_its_kernels_and_refuses_other_sides():
    for name in KERNELS:
        (step,) = parse(f"low_resolution/{name}@64").steps
        assert step.parameters == {"side": 64, "upsampling": KERNELS.index(name)}
        assert step.label == f"Low resolution, {name}, 64 px"
    for side in ("100", "5"):
        with pytest.raises(ValueError, match="224, 192, 160"):
            parse(f"low_resolution/bicubic@{side}")
