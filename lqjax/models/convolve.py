"""The convolution as an operation: one meaning, the fastest form for the platform."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
from jax import lax

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def convolve(
    maps: jax.Array, kernel: jax.Array, *, stride: int, padding: int, groups: int = 1
) -> jax.Array:
    """Convolve maps with a kernel under symmetric zero padding.

    Args:
      maps: (batch, height, width, inputs).
      kernel: (size, size, inputs / groups, outputs), of the dtype of `maps`.
      stride: step in pixels, the same along both sides.
      padding: zeros added at each side.
      groups: number of channel groups.

    Returns:
      (batch, height', width', outputs), of the dtype of `maps`.
    """
    return plain_convolution(maps, kernel, stride=stride, padding=padding, groups=groups)


def plain_convolution(
    maps: jax.Array, kernel: jax.Array, *, stride: int, padding: int, groups: int = 1
) -> jax.Array:
    """Convolve with the compiler's own convolution; arguments as `convolve`."""
    return lax.conv_general_dilated(
        maps,
        kernel,
        window_strides=(stride, stride),
        padding=((padding, padding), (padding, padding)),
        dimension_numbers=DIMENSIONS,
        feature_group_count=groups,
    )


_plain: ContextVar[bool] = ContextVar("plain", default=False)


@contextmanager
def plain_convolutions() -> Iterator[None]:
    """Trace every convolution inside as the compiler's own, on every platform."""
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)
