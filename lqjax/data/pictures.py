"""One picture: from any mode and size to a square 8-bit array with one or three channels.

The rules, for every source:
- The picture is turned as its EXIF orientation says.
- 16-bit values are scaled by the full range (65535 -> 255), never by what one image contains, so
  that images stay comparable; 12-bit grey TIFF files by 4095. Floats must lie in [0, 1].
  Colour of 16 bits a channel is cut to the upper 8 by Pillow.
- TIFF files in which 0 is white (old films) are turned to positives.
- Transparent pixels are laid over white.
- The largest centred square is cut out and resized once with Pillow's bicubic filter, which
  averages over the source pixels when it shrinks.
- Grey is made from colour by ITU-R 601-2 luma; colour from grey by repeating the channel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lqjax.data.jpeg_scans import MOST_SCANS, has_too_many_scans, is_behind_a_whole_scan

RULES_VERSION = 3
"""Raised with every change of these rules, so that nothing is mixed with what is kept on disk."""

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP")
"""Pillow's decoders that files are handed to, whatever their names say."""

JPEG_FORMATS = ("JPEG", "MPO")
"""What Pillow calls JPEG files; MPO are those of phones with a preview behind the photograph."""

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
"""File names that are taken for images, in any case."""

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded. Source: Pillow's `Image.MAX_IMAGE_PIXELS` (256 MiB as RGB)."""

MAX_BYTES = 8 * MAX_PIXELS
"""Longest file: what the largest picture takes unpacked, four channels of 16 bits. Pillow reads
some formats whole before it knows of how many pixels they are."""

DRAFT_FACTOR = 2
"""A JPEG may be decoded at a smaller scale while both sides keep this many times the target."""

BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
"""Numbers of TIFF tags."""

WHITE_IS_ZERO = 0
"""Value of PHOTOMETRIC. Pillow inverts such pictures where they have 8 bits or fewer."""

WHOLE = 0
"""In place of a size: pictures are decoded at their own."""

SIGNED = 2
"""Value of SAMPLE_FORMAT. Pillow takes signed bytes for unsigned ones."""

WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes for 16-bit grey."""


def open_picture(file: str | IO[bytes], size: int) -> Image.Image:
    """Read an image file, turned upright.

    Args:
      file: its path, or the opened file.
      size: side in pixels that it will be resized to; lets a large JPEG be decoded small. `WHOLE`
        does not.

    Returns:
      A picture in whatever mode the file has.

    Raises:
      ValueError: several pages, more than `MAX_PIXELS` or `MAX_BYTES`, or too many scans
        (`jpeg_scans`).
      Exception: whatever the decoder raises on a damaged file.
    """
    with stored_picture(file, size) as picture:
        ImageOps.exif_transpose(picture, in_place=True)
        return picture


@contextmanager
def stored_picture(file: str | IO[bytes], size: int = WHOLE) -> Iterator[Image.Image]:
    """Read an image file as it is stored, not turned; `open_picture` says the rest.

    Args:
      file: its path, or the opened file.
      size: as for `open_picture`.
    """
    with _identified(file) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(
                f"{picture.width} x {picture.height} px are more than the {MAX_PIXELS:,} allowed; "
                "shrink it"
            )
        # Not how many pages: counting them takes hours where a file has a million tiny ones.
        several = getattr(picture, "is_animated", False)
        if several and picture.format != "MPO":  # phones put a preview behind the photograph
            raise ValueError("it has several pages; save each page as a file of its own")
        if picture.format in JPEG_FORMATS:
            _check_scans(picture)
        if size != WHOLE:
            picture.draft(None, (DRAFT_FACTOR * size, DRAFT_FACTOR * size))
        picture.load()
        if picture.format == "TIFF":
            tags = picture.tag_v2  # type: ignore[attr-defined]
            picture.info["bits"] = tags.get(BITS_PER_SAMPLE, (8,))[0]
            picture.info["white_is_zero"] = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
            if picture.mode == "L" and SIGNED in tags.get(SAMPLE_FORMAT, ()):
                raise ValueError("it has signed bytes; save it with unsigned ones")
        yield picture


def _check_scans(picture: Image.Image) -> None:
    file = picture.fp  # type: ignore[attr-defined]
    components = picture.layers  # type: ignore[attr-defined]
    if not picture.info.get("progressive") and is_behind_a_whole_scan(file, components):
        return
    if has_too_many_scans(file):
        raise ValueError(f"it has more than {MOST_SCANS} scans; save it with fewer")


def _identified(file: str | IO[bytes]) -> Image.Image:
    if isinstance(file, str) and (length := os.stat(file).st_size) > MAX_BYTES:  # noqa: PTH116
        raise ValueError(
            f"it has {length:,} bytes, more than the {MAX_BYTES:,} allowed; shrink the picture, or "
            "remove what is behind it"
        )
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:  # its message names the path again, or an object in memory
        raise ValueError(
            f"its content is none of {', '.join(FORMATS)}, or of a kind of them that is not read; "
            "save it as PNG"
        ) from None


def is_grey(picture: Image.Image) -> bool:
    """Tell whether a picture has one channel; a palette of greys counts as one."""
    if picture.mode in ("P", "PA"):
        entries = np.asarray(picture.getpalette("RGB") or [0, 0, 0], np.uint8).reshape(-1, 3)
        return bool((entries == entries[:, :1]).all())
    return picture.mode in ("1", "L", "LA", "La", "I", "F", *WIDE_MODES)


def from_array(values: np.ndarray) -> Image.Image:
    """Wrap an array of pixels as a picture.

    Args:
      values: (height, width) or (height, width, 1, 3 or 4); uint8, or 16-bit with one channel.

    Raises:
      ValueError: another type or shape.
    """
    plain = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if plain.dtype == np.uint16:
        plain = sixteen_to_eight(plain)
    if plain.dtype != np.uint8 or not (plain.ndim == 2 or plain.shape[2:] in ((3,), (4,))):
        raise ValueError(
            f"pixels are {values.dtype} of shape {values.shape}; expected uint8 or uint16, "
            "(height, width) with 1, 3 or 4 channels"
        )
    return Image.fromarray(np.ascontiguousarray(plain))


def sixteen_to_eight(values: np.ndarray, largest: int = 65535) -> np.ndarray:
    """Scale whole numbers 0..largest to 8 bits, rounded to the nearest."""
    scaled = (values.astype(np.uint32) * 255 + largest // 2) // largest
    return np.minimum(scaled, 255).astype(np.uint8)


def to_eight_bit(picture: Image.Image) -> Image.Image:
    """Convert a picture to mode "L" (grey) or "RGB" (colour), 8 bits a channel.

    Raises:
      ValueError: 32-bit integers, or floats outside [0, 1].
    """
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode in WIDE_MODES:
        largest = 4095 if picture.info.get("bits") == 12 else 65535
        return _positive(sixteen_to_eight(np.asarray(picture), largest), picture)
    if picture.mode == "I":
        raise ValueError(
            "it has signed or 32-bit integers, whose range is not known; save it with 8 or 16 bits"
        )
    if picture.mode == "F":
        return _positive(_floats_to_eight(np.asarray(picture)), picture)
    target = "L" if is_grey(picture) else "RGB"
    if picture.has_transparency_data:
        over = Image.new("RGBA", picture.size, "white")
        over.alpha_composite(picture.convert("RGBA"))
        return over.convert(target)
    return picture.convert("RGB").convert(target)


def _positive(values: np.ndarray, picture: Image.Image) -> Image.Image:
    """Wrap 8-bit grey; invert it where the file says that 0 is white."""
    return Image.fromarray(255 - values if picture.info.get("white_is_zero") else values)


def _floats_to_eight(values: np.ndarray) -> np.ndarray:
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ValueError("it has floats outside [0, 1]; scale them to [0, 1] or save 8 bits")
    return np.rint(values * 255).astype(np.uint8)


def to_square(picture: Image.Image, size: int) -> Image.Image:
    """Cut out the largest centred square and resize it to `size` pixels a side."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return square if side == size else square.resize((size, size), Image.Resampling.BICUBIC)


def to_pixels(picture: Image.Image, size: int, channels: int) -> np.ndarray:
    """Turn a picture of any mode into pixels.

    Returns:
      uint8, (size, size, channels).

    Raises:
      ValueError: values that cannot be scaled to 8 bits; see `to_eight_bit`.
    """
    square = to_square(to_eight_bit(picture), size)
    pixels = np.asarray(square.convert("L" if channels == 1 else "RGB"))
    return pixels[..., None] if channels == 1 else pixels
