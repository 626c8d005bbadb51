"""Values between pixels."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.typing import Images

Corners = tuple[jax.Array, jax.Array, jax.Array, jax.Array]
Places = tuple[Corners, jax.Array, jax.Array]
"""What `bilinear` takes beside the image: corners, shares along rows, shares along columns."""

_BLOCKS = 8
"""Of rows. Corners and shares are six arrays; more blocks save no more memory and no more time."""


def border_index(index: jax.Array, size: int, border: str) -> jax.Array:
    """Bring indices beyond the ends of a line back to pixels of the line.

    Args:
      index: int32, any shape, at most 2**22 from 0.
      size: number of pixels of the line, at least 1.
      border: how the line goes on, as for `kernels.band_matrix`: "mirror" (the end pixel stands
        once), "reflect" (it stands twice), "replicate" (it stands on and on).

    Returns:
      int32 in [0, size), of the same shape.

    Raises:
      ValueError: another border.
    """
    if border == "replicate":
        return jnp.clip(index, 0, size - 1)
    if border not in ("mirror", "reflect"):
        raise ValueError(f"border must be mirror, reflect or replicate, got {border!r}")
    if size == 1:
        return jnp.zeros_like(index)
    twice = 1 if border == "reflect" else 0
    period = 2 * size - 2 + 2 * twice
    # Half a pixel on, the quotient is never near a whole number, so that rounding is harmless;
    # integer division takes several times as long on a CPU.
    turns = jnp.floor((index.astype(jnp.float32) + 0.5) * np.float32(1 / period))
    place = index - turns.astype(jnp.int32) * period
    return jnp.minimum(place, period - twice - place)


def neighbours(rows: jax.Array, columns: jax.Array, size: tuple[int, int], border: str) -> Corners:
    """Find the four pixels around each place.

    Args:
      rows, columns: int32, any shape, at most 2**22 from 0: the pixel above and to the left.
      size: height and width of the image.
      border: as for `border_index`.

    Returns:
      int32 of the same shape: row * width + column of the upper left, upper right, lower left and
      lower right pixel.
    """
    height, width = size
    top = border_index(rows, height, border) * width
    bottom = border_index(rows + 1, height, border) * width
    left = border_index(columns, width, border)
    right = border_index(columns + 1, width, border)
    return top + left, top + right, bottom + left, bottom + right


def bilinear(
    image: jax.Array, corners: Corners, row_shares: jax.Array, column_shares: jax.Array
) -> jax.Array:
    """Interpolate one image between four pixels each; for a batch, `jax.vmap` it.

    A place is a pixel and the share of the way to the next one: a float32 coordinate of a few
    hundred px would lose what the share keeps.

    Args:
      image: float32, (height, width, channel).
      corners: from `neighbours`.
      row_shares, column_shares: float32 in [0, 1], of the shape of a corner.

    Returns:
      float32, that shape and the channels. With shares 0, pixels bit for bit.
    """
    pixels = image.reshape(-1, image.shape[2])
    upper_left, upper_right, lower_left, lower_right = (
        jnp.take(pixels, corner, axis=0, mode="clip") for corner in corners
    )
    across, down = column_shares[..., None], row_shares[..., None]
    upper = _mix(upper_left, upper_right, across)
    lower = _mix(lower_left, lower_right, across)
    return _mix(upper, lower, down)


def sample_by_rows(
    images: Images, places: Callable[[jax.Array, int], Places], moved: jax.Array
) -> Images:
    """Interpolate a batch, with the places of only some rows in memory at a time.

    Args:
      images: float32, (batch, height, width, channel).
      places: gives the places of `count` rows from row `start` on, (batch, count, width), for an
        int32 `start` that is traced.
      moved: bool scalar; if not, the images stay as they are.
    """
    height = images.shape[1]
    count = -(-height // _BLOCKS)

    def sample(block: jax.Array, done: Images) -> Images:
        # Where the blocks overshoot, the last one repeats some rows of the one before.
        start = jnp.minimum(block * count, height - count)
        # What a branch returns is written to memory. Fused with the update that follows, the
        # sampling would run on one core of a CPU.
        found = jax.lax.cond(
            moved,
            lambda: jax.vmap(bilinear)(images, *places(start, count)),
            lambda: jax.lax.dynamic_slice_in_dim(images, start, count, 1),
        )
        return jax.lax.dynamic_update_slice_in_dim(done, found, start, 1)

    blocks = -(-height // count)
    return jax.lax.fori_loop(np.int32(0), np.int32(blocks), sample, jnp.zeros_like(images))


def _mix(first: jax.Array, second: jax.Array, share: jax.Array) -> jax.Array:
    return first + (second - first) * share
