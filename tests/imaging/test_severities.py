"""Severities of published suites: whole, between, beyond; truncation to 8 bits."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import expand, parse
from lqjax.imaging.degrade import degrade
from lqjax.imaging.suites import SUITES

SUITE = "imagenet_c"
CONTINUOUS = [entry.name for entry in SUITES[SUITE].entries if entry.path]
WHOLE_ONLY = [entry.name for entry in SUITES[SUITE].entries if not entry.path]


def parameters(text):
    return dict(parse(text).steps[0].parameters)


def pictures(side=32):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, side, side, 3)).astype(np.uint8)


def test_some_corruptions_are_continuous_and_some_are_not():
    assert {"gaussian_noise", "shot_noise", "gaussian_blur", "contrast"} <= set(CONTINUOUS)
    assert {"jpeg_compression", "spatter", "saturate", "snow"} <= set(WHOLE_ONLY)


@pytest.mark.parametrize("suite", ["imagenet_c", "imagenet_c_299", "cifar10_c", "tiny_imagenet_c"])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_whole_severities_are_the_published_levels(suite, name):
    entry = SUITES[suite].entry(name)
    for level in SUITES[suite].levels:
        assert entry.at(float(level)) == entry.levels[level]
        assert parse(f"{suite}/{name}@{level}.0") == parse(f"{suite}/{name}@{level}")
    assert list(entry.path) == list(entry.levels["1"])


def test_between_levels_parameters_move_evenly():
    assert parameters("imagenet_c/gaussian_noise@2.5")["sigma"] == pytest.approx(0.15)
    assert parameters("imagenet_c/gaussian_noise@0.25")["sigma"] == pytest.approx(0.02)
    photons = parameters("imagenet_c/shot_noise@1.5")["photons"]
    assert 1 / photons == pytest.approx((1 / 60 + 1 / 25) / 2)
    assert parameters("imagenet_c/shot_noise@0.5")["photons"] == pytest.approx(120)
    fog = parameters("imagenet_c/fog@0.5")
    assert (fog["amount"], fog["decay"]) == (0.75, 2)
    motion = parameters("imagenet_c/motion_blur@1.5")
    assert (motion["radius"], motion["sigma"]) == (12.5, 4)


def test_a_fraction_is_a_condition_like_any_other():
    condition = parse("imagenet_c/fog@2.50")
    assert condition.name == "imagenet_c/fog@2.5"
    assert (condition.level, condition.severity, condition.family) == ("2.5", 2.5, "imagenet_c/fog")
    assert parse(condition.name) == condition
    assert parse("imagenet_c/fog@0").severity == 0


@pytest.mark.parametrize("name", CONTINUOUS)
def test_severity_0_is_the_identity_bit_for_bit(name):
    given = pictures()
    np.testing.assert_array_equal(degrade(given, f"{SUITE}/{name}@0"), given)
    floats = given * np.float32(1 / 255)
    np.testing.assert_array_equal(degrade(floats, f"{SUITE}/{name}@0(quantize=0)"), floats)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_damage_grows_between_the_levels(name):
    given = skimage.data.astronaut()[None, ::8, ::8]

    def error(severity):
        damaged = degrade(given, f"{SUITE}/{name}@{severity}").astype(float)
        return np.square(damaged - given).mean()

    errors = [error(severity) for severity in (0, 0.5, 1, 1.5, 2)]
    assert errors == sorted(errors) and errors[0] == 0 < errors[1] < errors[-1]


@pytest.mark.parametrize("name", WHOLE_ONLY)
def test_others_refuse_a_fraction_and_say_why(name):
    reason = SUITES[SUITE].entry(name).no_path
    assert reason
    for severity in ("2.5", "0"):
        with pytest.raises(
            ValueError, match="allowed are 1, 2, 3, 4, 5, nothing between"
        ) as caught:
            parse(f"{SUITE}/{name}@{severity}")
        assert reason in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("severity", ["6", "5.01", "-1", "-0.5", "nan", "inf", "1e9"])
@pytest.mark.parametrize("name", ["fog", "snow"])
def test_severities_beyond_the_table_are_refused(name, severity):
    with pytest.raises(ValueError, match="must be one of 1, 2, 3, 4, 5") as caught:
        parse(f"{SUITE}/{name}@{severity}")
    assert f"@{severity}" in str(caught.value)


def test_named_levels_have_nothing_between():
    with pytest.raises(ValueError, match=r"unknown level of low_quality '1\.5'"):
        parse("low_quality/jpeg@1.5")


def test_published_suites_truncate_to_8_bits_unless_told_not_to():
    given, numbers = jnp.asarray(pictures()), jnp.arange(2, dtype=jnp.uint32)
    published = apply_condition(parse("imagenet_c/gaussian_noise@3"), given, numbers, 0)
    raw = apply_condition(parse("imagenet_c/gaussian_noise@3(quantize=0)"), given, numbers, 0)
    exact = np.asarray(raw, np.float64) * 255
    clear = np.abs(exact - np.rint(exact)) > 0.01
    assert clear.mean() > 0.7, "the others are clipped to 0 or 1"
    np.testing.assert_array_equal(np.rint(np.asarray(published) * 255)[clear], exact[clear] // 1)
    assert len(np.unique(np.asarray(raw) * 255 % 1)) > 100
    grid = apply_condition(parse("low_quality/gaussian_noise@low(quantize=1)"), given, numbers, 0)
    assert len(np.unique(grid)) <= 256


def test_quantize_is_written_only_where_it_differs():
    assert parse("imagenet_c/fog@3(quantize=1)").name == "imagenet_c/fog@3"
    assert parse("imagenet_c/fog@3( quantize = False )").name == "imagenet_c/fog@3(quantize=0)"
    assert parse("imagenet_c/fog@3(quantize=0)").family == "imagenet_c/fog(quantize=0)"
    assert len(expand("imagenet_c/*(quantize=0)")) == len(expand("imagenet_c/*"))
    for wrong in ("imagenet_c/fog@3(quantize=2)", "imagenet_c/fog@3(quantize=)"):
        with pytest.raises(ValueError, match="quantize must be 0 or 1"):
            parse(wrong)


def test_levels_survive_truncation():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(degrade(levels, "cifar10_c/brightness@0"), levels)
