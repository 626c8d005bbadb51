"""What is taken of a picture of any size: arrays of fixed shapes, for one program on the device.

What resizing would destroy is taken at the picture's own size: counts of its levels, and a window
in which noise, blur and the blocks of JPEG are looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from lqjax.data.pictures import to_eight_bit, to_pixels
from lqjax.imaging.jpeg_codec import BLOCK

WINDOW = 256
"""px; side of the window at the picture's own size."""

WINDOWS = (64, 128, 224, WINDOW)
"""px; a batch of small pictures gets the smallest window that holds them: few programs, not one
for every size. In those below the largest MedMNIST is published, and 224 px is what most networks
take."""

THUMBNAIL = 64
"""px; longest side of the thumbnail.
Source: cleanvision, MAX_RESOLUTION_FOR_BLURRY_DETECTION."""

TILE = 32
"""px; side of the square of which the hash is made. Source: Zauner (2010), pHash."""

LEVELS = 256

BRIGHTNESS_STEPS = 4 * (LEVELS - 1)
"""Brightness is counted in so many steps: whole ones for the levels of a grey picture."""

BRIGHTNESS_WEIGHTS = (0.241, 0.691, 0.068)
"""Of the squares of red, green and blue in perceived brightness. Source: D. R. Finley, "HSP color
model" (2006), as cleanvision takes it."""

BRIGHTNESS_PIXELS = 256
"""px; of longer sides every second, third, ... pixel is counted, which leaves more than half."""


Array = Any
"""A NumPy array on the host, one of JAX in a program on the device."""


class Samples(NamedTuple):
    """What the device sees: of one picture without, of several with a first axis `batch`.

    Attributes:
      window: luma of the centre as it is stored, uint8, (WINDOW, WINDOW), in a batch one of
        WINDOWS; its corner lies on a corner of JPEG's blocks; zero beyond its extent.
      window_extent: height and width of the window in px, int32, (2,).
      thumbnail: luma of the whole picture, shrunk to at most THUMBNAIL px, uint8, (THUMBNAIL,
        THUMBNAIL); zero beyond its extent.
      thumbnail_extent: its height and width in px, int32, (2,).
      tile: luma of the whole picture as a square, uint8, (TILE, TILE).
      seen: luma of what the network will see, uint8, (image_size, image_size).
      levels: how many pixels have each level of luma, float32, (LEVELS,).
      brightness: how many have each brightness, float32, (BRIGHTNESS_STEPS + 1,).
    """

    window: Array
    window_extent: Array
    thumbnail: Array
    thumbnail_extent: Array
    tile: Array
    seen: Array
    levels: Array
    brightness: Array


def full_extent(images: jax.Array) -> jax.Array:
    """Give height and width of images without a border, int32, (batch, 2)."""
    return jnp.tile(jnp.asarray(images.shape[1:3], jnp.int32), (images.shape[0], 1))


def stack(samples: Sequence[Samples], batch: int) -> Samples:
    """Put pictures into a batch, filled up with zeros, their windows as small as they may be."""
    stacked = Samples(*(_filled(arrays, batch) for arrays in zip(*samples, strict=True)))
    side = next(side for side in WINDOWS if side >= stacked.window_extent.max())
    return stacked._replace(window=stacked.window[:, :side, :side])


def _filled(arrays: Sequence[np.ndarray], batch: int) -> np.ndarray:
    filled = np.zeros((batch, *arrays[0].shape), arrays[0].dtype)
    filled[: len(arrays)] = arrays
    return filled


def window_of(stored: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Cut the window out of a picture that was not turned, and give its extent."""
    width, height = stored.size
    left, top = (_corner(side) for side in (width, height))
    box = (left, top, min(left + WINDOW, width), min(top + WINDOW, height))
    return _padded(to_eight_bit(stored.crop(box)).convert("L"), WINDOW)


def samples_of(
    picture: Image.Image,
    pixels: np.ndarray,
    window: tuple[np.ndarray, np.ndarray],
    image_size: int,
) -> Samples:
    """Take everything from a picture that was turned upright.

    Args:
      picture: of mode "L" or "RGB".
      pixels: the same as an array.
      window: as `window_of` gives it.
      image_size: side in px of what the network sees.
    """
    luma = picture.convert("L")
    return Samples(
        *window,
        *_padded(_thumbnail(luma), THUMBNAIL),
        np.asarray(luma.resize((TILE, TILE), Image.Resampling.BOX)),
        to_pixels(luma, image_size, 1)[..., 0],
        np.asarray(luma.histogram(), np.float32),
        _brightness_counts(pixels),
    )


def _corner(side: int) -> int:
    """Find where a centred window begins, at a corner of a block."""
    return max(side - WINDOW, 0) // 2 // BLOCK * BLOCK


def _padded(picture: Image.Image, side: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.zeros((side, side), np.uint8)
    pixels[: picture.height, : picture.width] = np.asarray(picture)
    return pixels, np.asarray([picture.height, picture.width], np.int32)


def _thumbnail(luma: Image.Image) -> Image.Image:
    ratio = max(luma.size) / THUMBNAIL
    if ratio <= 1:
        return luma
    width, height = (max(int(side // ratio), 1) for side in luma.size)
    return luma.resize((width, height), Image.Resampling.BICUBIC)


def _brightness_counts(pixels: np.ndarray) -> np.ndarray:
    step = max(1, -(-max(pixels.shape[:2]) // BRIGHTNESS_PIXELS))
    pixels = pixels[::step, ::step]
    if pixels.ndim == 2:
        steps = pixels.astype(np.int32) * (BRIGHTNESS_STEPS // (LEVELS - 1))
    else:
        levels = pixels.astype(np.float32)  # squared as such in a fifth of the time
        squares = np.square(levels) @ np.asarray(BRIGHTNESS_WEIGHTS, np.float32)
        steps = np.rint(np.sqrt(squares) * (BRIGHTNESS_STEPS / (LEVELS - 1))).astype(np.int32)
    return np.bincount(steps.reshape(-1), minlength=BRIGHTNESS_STEPS + 1).astype(np.float32)
