"""Chains of pointers, followed to their ends in parallel."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from lqjax.typing import Scalar

_WORD = 32
"""Bits of an int32."""


def jumps_needed(longest: jax.Array) -> jax.Array:
    """Count the jumps after which every chain is followed to its end.

    Args:
      longest: int32, the most pointers that any chain has before its end; may be traced.

    Returns:
      int32: the k for which 2**(k - 1) <= longest < 2**k; 0 for no pointers at all.
    """
    return _WORD - jax.lax.clz(longest)


def follow(pointers: jax.Array, jumps: Scalar) -> jax.Array:
    """Follow every chain to its end; a jump doubles the length that has been followed.

    Element i either asks element `pointers[i]` >= 0 for its end or, with `~end` < 0, names it.
    The pointers must be free of circles.

    Args:
      pointers: int32, (elements,).
      jumps: at least `jumps_needed` of the longest chain, then the result is exact; more change
        nothing. May be traced.

    Returns:
      int32, (elements,): the end that each element comes to.
    """

    def jump(_: jax.Array, reached: jax.Array) -> jax.Array:
        asked = jnp.take(reached, jnp.maximum(reached, 0), mode="clip")
        return jnp.where(reached < 0, reached, asked)

    return ~jax.lax.fori_loop(0, jumps, jump, pointers)
