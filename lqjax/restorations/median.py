"""Median filter."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images


def sorting_network(count: int) -> Iterator[tuple[int, int]]:
    """List the compare-and-swap pairs that sort `count` values (Batcher's odd-even merge sort).

    Source: Knuth, The Art of Computer Programming, vol. 3, 5.2.2, algorithm M.
    """
    top = (1 << (count - 1).bit_length()) // 2
    p = top
    while p:
        q, r, distance = top, 0, p
        while True:
            for low in range(count - distance):
                if low & p == r:
                    yield low, low + distance
            if q == p:
                break
            distance, r, q = q - p, p, q // 2
        p //= 2


@operation(
    "median",
    "restoration",
    Parameter(
        "size",
        "px",
        3,
        5,
        odd=True,
        static="the sorting network is built for one size",
        meaning="side of the square window",
    ),
    exact=True,
    source="OpenCV medianBlur: border replicate",
)
def median(images: Images, draws: None, *, size: int) -> Images:
    """Replace every value by the median of its square window, each channel by itself.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      size: side of the window, 3 or 5 px.
    """
    radius = size // 2
    batch, height, width, channels = images.shape
    margin = ((0, 0), (radius, radius), (radius, radius), (0, 0))
    padded = jnp.pad(images, margin, mode="edge").reshape(batch, height + 2 * radius, -1)
    # Floats that are not negative sort like their bits; integers need no care for NaN, and rows
    # with the channels inside make long vectors: five times as fast on a CPU.
    bits = jax.lax.bitcast_convert_type(padded, jnp.int32)
    values = [
        bits[:, y : y + height, x * channels : (x + width) * channels]
        for y in range(size)
        for x in range(size)
    ]
    for low, high in sorting_network(len(values)):
        values[low], values[high] = (
            jnp.minimum(values[low], values[high]),
            jnp.maximum(values[low], values[high]),
        )
    middle = jax.lax.bitcast_convert_type(values[len(values) // 2], jnp.float32)
    return middle.reshape(images.shape)
