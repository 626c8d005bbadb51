"""Compile in half the time to slower programs, where a test holds however it is compiled."""

import contextlib

import jax

SETTING = "jax_disable_most_optimizations"


@contextlib.contextmanager
def quick_compilation():
    """Compile within a block without the costly optimisations.

    What was compiled before stays as it is: a program of users, compiled first, can be compared
    with other forms of it that are compiled in here.
    """
    before = jax.config.read(SETTING)
    jax.config.update(SETTING, True)
    try:
        yield
    finally:
        jax.config.update(SETTING, before)
