"""Compile in half the time to slower programs, where a test holds however it is compiled."""

import contextlib

import jax

SETTING = "jax_disable_most_optimizations"


@contextlib.contextmanager
def quick_compilation(quick=True):
    """Compile within a block without the costly optimisations.

    What was compiled before stays as it is: a program of users, compiled first, can be compared
    with other forms of it that are compiled in here.

    Args:
      quick: False compiles as users do, within another such block: many steps of a network in
        float64 take ten times as long in the slower program.
    """
    before = jax.config.read(SETTING)
    jax.config.update(SETTING, quick)
    try:
        yield
    finally:
        jax.config.update(SETTING, before)
