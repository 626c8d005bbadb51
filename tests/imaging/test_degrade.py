"""degrade: types, shapes, seeds and ids as users meet them."""

import ml_dtypes
import numpy as np
import pytest

import lqjax
from lqjax.imaging import degrade as module
from lqjax.imaging.conditions import expand
from lqjax.imaging.degrade import degrade

NOISE = "low_quality/gaussian_noise@high"


def levels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(28, 30), (28, 30, 1), (28, 30, 3), (5, 28, 30), (5, 28, 30, 3)])
@pytest.mark.parametrize(
    "dtype", [np.uint8, np.float16, ml_dtypes.bfloat16, np.float32, np.float64]
)
def test_type_and_shape_come_back(shape, dtype):
    given = levels(*shape)
    given = given if dtype == np.uint8 else (given / 255).astype(dtype)
    before = given.copy()
    found = degrade(given, "jpeg(quality=30)")
    assert found.shape == given.shape and found.dtype == given.dtype
    assert not np.array_equal(found, given)
    np.testing.assert_array_equal(given, before)
    white = 255 if dtype == np.uint8 else 1
    expected = degrade(levels(*shape), "jpeg(quality=30)").astype(np.float64) / 255 * white
    if dtype in (np.uint8, np.float32, np.float64):
        np.testing.assert_allclose(found.astype(np.float64), expected, atol=1e-6)


def test_8_bit_results_are_rounded_to_the_nearest_level():
    given = levels(2, 28, 30, 3)
    blur = "gaussian_blur(kernel_size=5,sigma=2)"
    expected = np.rint(255 * degrade(given / 255, blur))
    np.testing.assert_array_equal(degrade(given, blur), expected)


def test_clean_is_a_copy():
    given = levels(2, 28, 28, 3)
    found = degrade(given, "clean")
    np.testing.assert_array_equal(found, given)
    assert found is not given and not np.shares_memory(found, given)


@pytest.mark.slow
def test_noise_depends_on_seed_and_id_only(monkeypatch):
    given = np.repeat(levels(1, 28, 28, 3), 5, axis=0)
    ids = ["a", "b", "c", "d", "e"]
    whole = degrade(given, NOISE, seed=1, ids=ids)
    np.testing.assert_array_equal(whole, degrade(given, NOISE, seed=1, ids=ids))
    assert not np.array_equal(whole, degrade(given, NOISE, seed=2, ids=ids))
    assert len({image.tobytes() for image in whole}) == 5
    backwards = degrade(given, NOISE, seed=1, ids=ids[::-1])
    np.testing.assert_array_equal(backwards, whole[::-1])
    monkeypatch.setattr(module, "CHUNK", 2)
    np.testing.assert_array_equal(degrade(given, NOISE, seed=1, ids=ids), whole)
    np.testing.assert_array_equal(degrade(given[3], NOISE, seed=1, ids=["d"]), whole[3])


def test_the_second_of_two_equal_steps_draws_again():
    given = np.full((1, 28, 28, 3), 0.5, np.float32)
    once = degrade(given, "gaussian_noise(sigma=0.01)") - given
    twice = degrade(given, "gaussian_noise(sigma=0.01)|gaussian_noise(sigma=0.01)") - given
    assert twice.std() / once.std() == pytest.approx(2**0.5, rel=0.05)


def test_chains_apply_from_left_to_right():
    given = levels(3, 40, 33, 3)
    step = degrade(given / np.float32(255), "jpeg(quality=10)")
    expected = degrade(step, "median(size=3)")
    found = degrade(given / np.float32(255), "jpeg(quality=10)|median(size=3)")
    np.testing.assert_array_equal(found, expected)


def test_any_whole_number_is_a_seed():
    given = levels(1, 28, 28)
    for seed in (-1, 2**31, 2**40, np.int64(7)):
        assert degrade(given, NOISE, seed=seed).shape == given.shape


def test_no_images_are_no_error():
    assert degrade(levels(0, 28, 28, 3), NOISE).shape == (0, 28, 28, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 28, 28, 3), np.int32), "convert them to uint8"),
        (np.zeros((28, 28), bool), "convert them to uint8"),
        (np.zeros((28, 28), np.uint16), "65535"),
        (np.zeros((2, 3, 28, 28), np.float32), "transpose\\(0, 2, 3, 1\\)"),
        (np.zeros((3, 28, 28), np.float32), "one image with channels first"),
        (np.zeros((28, 28, 4), np.uint8), "drop the alpha channel"),
        (np.zeros((2, 28, 28, 4), np.uint8), "drop the alpha channel"),
        (np.zeros((28,), np.uint8), "allowed"),
        (np.zeros((2, 2, 2, 28, 28, 3), np.uint8), "allowed"),
        (np.full((28, 28), 200.0), "must lie in \\[0, 1\\].*divide"),
        (np.full((28, 28), np.nan), "must lie in \\[0, 1\\]"),
        (np.full((28, 28), -0.1), "must lie in \\[0, 1\\]"),
    ],
)
def test_what_is_refused_says_how_to_fix_it(given, message):
    with pytest.raises(ValueError, match=message) as caught:
        degrade(given, NOISE)
    assert "\n" not in str(caught.value)


def test_ids_must_name_every_image():
    with pytest.raises(ValueError, match="2 images, 1 ids"):
        degrade(levels(2, 28, 28, 3), NOISE, ids=["a"])


def test_a_pattern_is_refused():
    with pytest.raises(ValueError, match="stands for several"):
        degrade(levels(28, 28), "low_quality/*")


def test_users_find_it_at_the_top():
    given = levels(2, 28, 28, 3)
    found = lqjax.degrade(given, "low_quality/motion_blur@high", seed=0)
    assert found.dtype == np.uint8 and found.shape == given.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": 1.5}, "seed must be a whole number, not 1.5"),
        ({"seed": None}, "seed must be a whole number"),
        ({"seed": "a"}, "seed must be a whole number"),
        ({"ids": "ab"}, "ids must list one name for each of 2 images"),
        ({"ids": 5}, "ids must list one name for each of 2 images"),
        ({"condition": None}, "condition must be a text"),
        ({"condition": ["clean"]}, "condition must be a text"),
        ({"images": np.full((1, 8, 8, 3), 555)}, "are int64 and span 555 to 555; 8-bit levels lie"),
        ({"images": np.full((1, 8, 8, 3), -5, np.int16)}, "are int16 and span -5 to -5"),
        ({"images": np.full((1, 8, 8, 3), 5)}, "are int64; convert them to uint8"),
        ({"images": np.full((1, 8, 8, 3), 1.0000005, np.float32)}, r"to 1\.00000047"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments, message):
    given = {"images": np.zeros((2, 8, 8, 3), np.uint8), "condition": "jpeg(quality=40)"}
    with pytest.raises(ValueError, match=message) as caught:
        degrade(**{**given, **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("condition", ["low_quality/gaussian_blur@high", "low_quality/*@high"])
def test_results_can_be_degraded_again(condition):
    white = np.ones((1, 224, 224, 3), np.float32)
    for one in expand(condition):
        once = degrade(white, one.name)
        assert once.max() <= 1
        degrade(once, "jpeg(quality=40)")
