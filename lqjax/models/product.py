"""The matrix product as an operation: one meaning, the fastest form for the platform."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import CustomVJPPrimal, SymbolicZero

from lqjax.models.platforms import rewrites_for_cpu

SIGN_BIT = 31
"""Place of the sign in a float32."""

MATRIX = 2
"""Dimensions of a batch of vectors."""


def product(vectors: jax.Array, matrix: jax.Array) -> jax.Array:
    """Multiply vectors by a matrix.

    On a CPU (jaxlib 0.10.2, float32) the gradient of the matrix is made to wait for that of the
    vectors. Otherwise nothing says that the matrix is read for the last time before it is moved:
    the compiler then copies it in every step, and runs both gradients at once, each on a part of
    the cores. AlexNet's two large matrices, batch 64, on two cores: 263 ms a training step without
    the wait, 230 ms with it.

    Args:
      vectors: (batch, inputs).
      matrix: (inputs, outputs), of the dtype of `vectors`.

    Returns:
      (batch, outputs), of the same dtype. On a CPU only reverse derivatives are possible.
    """
    plain = vectors.dtype != jnp.float32 or vectors.ndim != MATRIX or not vectors.size
    if plain or not rewrites_for_cpu():
        return vectors @ matrix
    return _in_turn(vectors, matrix)


@jax.custom_vjp
def _in_turn(vectors: jax.Array, matrix: jax.Array) -> jax.Array:
    return vectors @ matrix


def _in_turn_forward(
    vectors: CustomVJPPrimal, matrix: CustomVJPPrimal
) -> tuple[jax.Array, tuple[jax.Array | None, jax.Array | None]]:
    # What is kept says what is asked for: a gradient that nobody wants must not be waited for.
    kept = (
        vectors.value if matrix.perturbed else None,
        matrix.value if vectors.perturbed else None,
    )
    return vectors.value @ matrix.value, kept


def _in_turn_backward(
    kept: tuple[jax.Array | None, jax.Array | None], gradient: jax.Array | SymbolicZero
) -> tuple[jax.Array | None, jax.Array | None]:
    if isinstance(gradient, SymbolicZero):
        return None, None
    vectors, matrix = kept
    for_vectors = None if matrix is None else gradient @ matrix.T
    if vectors is None:
        return for_vectors, None
    waiting = gradient if for_vectors is None else _after(for_vectors, gradient)
    return for_vectors, vectors.T @ waiting


_in_turn.defvjp(_in_turn_forward, _in_turn_backward, symbolic_zeros=True)


def _after(first: jax.Array, then: jax.Array) -> jax.Array:
    """Return `then` as it is, in a way that needs `first` to be there.

    The choice below is always the same: a sign bit is at most 1. The compiler does not know that,
    and drops `lax.optimization_barrier` on a CPU.
    """
    bit = lax.bitcast_convert_type(first[0, 0], jnp.uint32) >> SIGN_BIT
    return jnp.where(bit > 1, jnp.zeros((), then.dtype), then)
