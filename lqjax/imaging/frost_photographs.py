"""The published photographs of frost, from a folder of the user, for the operation `frost`.

They are not part of lqjax: their origin is not stated where they were published. They lie in
`ImageNet-C/create_c` of https://github.com/hendrycks/robustness.
"""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, UnidentifiedImageError

from lqjax.imaging.levels import from_levels

FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")
"""The published code lists a sixth, frost6.jpg, but draws its index from the first five only."""

_WEIGHT_BITS = 11
"""OpenCV interpolates 8-bit images with weights in steps of 2**-11."""

_photographs: tuple[np.ndarray, ...] = ()


def use_frost_photographs(folder: str | Path) -> None:
    """Take the frost of the operation `frost` from the published photographs from now on.

    Holds for this process, until `no_frost_photographs`. All compiled programs are forgotten, since
    they may hold the other frost.

    Args:
      folder: holds frost1.png, frost2.png, frost3.png, frost4.jpg and frost5.jpg.

    Raises:
      ValueError: a file is missing or cannot be read; the message names it.
    """
    global _photographs
    _photographs = tuple(_read(Path(folder) / name) for name in FILES)
    jax.clear_caches()


def no_frost_photographs() -> None:
    """Go back to frost that is drawn from the key."""
    global _photographs
    _photographs = ()
    jax.clear_caches()


def frost_photographs() -> tuple[np.ndarray, ...]:
    """Give the photographs in use: uint8, (height, width, 3) each; empty when there are none."""
    return _photographs


def place_of(draws: jax.Array, sizes: np.ndarray, height: int, width: int) -> jax.Array:
    """Turn unit draws into a crop.

    Args:
      draws: uniform in [0, 1), (3,).
      sizes: height and width of each photograph, (photographs, 2).
      height, width: of the crop; smaller than every photograph.

    Returns:
      int32, (3,): index of the photograph, top row, left column; all of them equally likely, the
      last possible row and column left out, as published.
    """
    index = _whole(draws[0], len(sizes))
    free = jnp.asarray(sizes - np.asarray((height, width)), jnp.int32)[index]
    return jnp.stack([index, _whole(draws[1], free[0]), _whole(draws[2], free[1])])


def crops(places: jax.Array, shrink: float, height: int, width: int) -> jax.Array:
    """Cut pieces out of the photographs in use.

    Args:
      places: int32, (batch, 3): index, top row, left column in the shrunken photograph.
      shrink: the photographs are first resized by this factor, bilinear without antialiasing.
      height, width: of a piece.

    Returns:
      float32 in [0, 1], (batch, height, width, 3).
    """
    photographs = [shrunken(photograph, shrink) for photograph in _photographs]
    tallest, widest = sizes_of(photographs).max(axis=0)
    stack = np.zeros((len(photographs), tallest, widest, 3), np.uint8)
    for layer, photograph in zip(stack, photographs, strict=True):
        layer[: photograph.shape[0], : photograph.shape[1]] = photograph
    stored = jnp.asarray(stack)

    def cut(place: jax.Array) -> jax.Array:
        start = (place[0], place[1], place[2], jnp.zeros((), place.dtype))
        return jax.lax.dynamic_slice(stored, start, (1, height, width, 3))[0]

    return from_levels(jax.vmap(cut)(places))


def fitting_sizes(shrink: float, height: int, width: int) -> np.ndarray:
    """Give the sizes of the shrunken photographs, (photographs, 2).

    Raises:
      ValueError: one of them is too small for a crop of the given size.
    """
    sizes = sizes_of([shrunken(photograph, shrink) for photograph in _photographs])
    for name, (tall, wide) in zip(FILES, sizes, strict=True):
        if tall <= height or wide <= width:
            raise ValueError(
                f"frost: images of {height} x {width} px need photographs that are larger;"
                f" {name} has {tall} x {wide} px at shrink={shrink:g}; call"
                " no_frost_photographs() to draw the frost instead"
            )
    return sizes


def sizes_of(photographs: list[np.ndarray]) -> np.ndarray:
    """List height and width."""
    return np.array([photograph.shape[:2] for photograph in photographs])


def shrunken(photograph: np.ndarray, factor: float) -> np.ndarray:
    """Resize an 8-bit image by bilinear interpolation, without antialiasing.

    Source: OpenCV resize with INTER_LINEAR and a factor, fixed-point arithmetic included (at
      exactly 1/2 OpenCV takes another path, which may round otherwise).
    """
    if factor == 1:
        return photograph
    rows, columns = (_taps(length, factor) for length in photograph.shape[:2])
    levels = photograph.astype(np.int64)
    across = _weighted(levels, columns, axis=1)
    # OpenCV drops bits in three steps, to stay within 16-bit products.
    kept = across >> 4
    first, second, share = rows
    unit = 1 << _WEIGHT_BITS
    weights = share.reshape(-1, 1, 1)
    upper = (kept[first] * (unit - weights)) >> 16
    lower = (kept[second] * weights) >> 16
    return np.clip((upper + lower + 2) >> 2, 0, 255).astype(np.uint8)


def _taps(length: int, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two source positions for every new one, and the weight of the second in 2**-11."""
    count = int(np.rint(length * factor))
    place = ((np.arange(count) + 0.5) / factor - 0.5).astype(np.float32)
    first = np.floor(place).astype(int)
    share = (place - first.astype(np.float32)).astype(np.float32)
    share = np.where((first < 0) | (first >= length - 1), np.float32(0), share)
    first = np.clip(first, 0, length - 1)
    weight = np.rint(share * np.float32(1 << _WEIGHT_BITS)).astype(np.int64)
    return first, np.minimum(first + 1, length - 1), weight


def _weighted(
    levels: np.ndarray, taps: tuple[np.ndarray, np.ndarray, np.ndarray], axis: int
) -> np.ndarray:
    first, second, share = taps
    weights = share.reshape(1, -1, 1)
    unit = 1 << _WEIGHT_BITS
    near, far = np.take(levels, first, axis), np.take(levels, second, axis)
    return near * (unit - weights) + far * weights


def _whole(draw: jax.Array, count: jax.Array | int) -> jax.Array:
    return jnp.floor(draw * jnp.asarray(count, jnp.float32)).astype(jnp.int32)


def _read(path: Path) -> np.ndarray:
    if not path.is_file():
        raise ValueError(
            f"frost photograph {path} is missing; the folder must hold {', '.join(FILES)} of"
            " https://github.com/hendrycks/robustness, ImageNet-C/create_c"
        )
    try:
        with Image.open(path) as image:
            # Transparency is dropped, not blended: the colours below it are what was published.
            pixels = image.convert("RGBA") if "transparency" in image.info else image
            mode = "RGBA" if pixels.mode == "RGBA" else "RGB"
            return np.asarray(pixels.convert(mode))[:, :, :3].copy()
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"frost photograph {path} cannot be read as an image: {error}") from error
