"""Chains followed in parallel against chains followed one step at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.pointer_jumping import follow, jumps_needed


def one_by_one(pointers):
    ends = []
    for pointer in pointers:
        while pointer >= 0:
            pointer = pointers[pointer]
        ends.append(~pointer)
    return ends


def chain(pointers):
    """A chain of so many pointers; its last element ends at 7."""
    return np.append(np.arange(1, pointers + 1), ~7).astype(np.int32)


@pytest.mark.parametrize("seed", range(3))
def test_equals_one_step_at_a_time(seed):
    rng = np.random.default_rng(seed)
    pointers = rng.integers(np.arange(200) + 1, 202)  # only ahead: free of circles
    ends = rng.random(200) < 0.2
    pointers = np.where(ends | (pointers > 199), ~rng.integers(0, 1000, 200), pointers)
    found = jax.jit(follow)(jnp.asarray(pointers, jnp.int32), jumps_needed(jnp.int32(199)))
    np.testing.assert_array_equal(found, one_by_one(pointers))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 7, 8, 63, 64])
def test_jumps_are_enough_and_no_more_than_needed(length):
    pointers = jnp.asarray(chain(length))
    jumps = int(jumps_needed(jnp.int32(length)))
    assert (np.asarray(follow(pointers, jumps)) == 7).all()
    if jumps:
        assert (np.asarray(follow(pointers, jumps - 1)) != 7).any()
