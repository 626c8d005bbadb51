"""Bit depth against exact fractions, and against Pillow where the two agree."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from lqjax.imaging.levels import from_levels
from lqjax.imaging.operations import OPERATIONS

OP = OPERATIONS["bit_depth"]
CALL = jax.jit(OP)
RAMP = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def applied(levels, bits):
    found = CALL(None, from_levels(jnp.asarray(levels)), bits=np.int32(bits))
    return np.rint(np.asarray(found) * 255).astype(int)


@pytest.mark.parametrize("bits", range(1, 9))
def test_equals_exact_fractions(bits):
    shown = [Fraction(255 * code, 2**bits - 1) for code in range(2**bits)]
    nearest = [round(min(shown, key=lambda s, v=v: abs(s - v))) for v in range(256)]
    np.testing.assert_array_equal(applied(RAMP, bits).ravel(), nearest)
    assert len(set(nearest)) == 2**bits


def test_four_bits_are_16_levels_in_steps_of_17():
    found = applied(RAMP, 4).ravel()
    assert np.unique(found).tolist() == list(range(0, 256, 17))
    assert np.abs(found - np.arange(256)).max() == 8


def test_one_bit_is_a_threshold_as_pillow_sets_it():
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (1, 28, 37, 1)).astype(np.uint8)
    expected = Image.fromarray(levels[0, :, :, 0]).convert("1", dither=Image.Dither.NONE)
    np.testing.assert_array_equal(applied(levels, 1)[0, :, :, 0], np.array(expected) * 255)


def test_eight_bits_round_what_is_not_on_a_level():
    values = np.float32([[0.2, 100.4 / 255], [100.6 / 255, 1]]).reshape(1, 2, 2, 1)
    found = CALL(None, jnp.asarray(values), bits=np.int32(8))
    np.testing.assert_array_equal(found.ravel(), from_levels(jnp.asarray([51, 100, 101, 255])))


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 45, 3), (64, 31, 3)])
def test_every_channel_alone(shape):
    levels = np.random.default_rng(1).integers(0, 256, (2, *shape)).astype(np.uint8)
    table = applied(RAMP, 3).ravel()
    np.testing.assert_array_equal(applied(levels, 3), table[levels])


def test_values_are_rounded_to_8_bits_first():
    """In 3 bits black ends at 255 / 14 = 18.2 levels: 18.3 is level 18, and black."""
    found = CALL(None, jnp.full((1, 28, 28, 1), 18.3 / 255, jnp.float32), bits=np.int32(3))
    assert not found.any()
