"""One picture: from any mode and size to a square 8-bit array with one or three channels.

The rules, for every source:
- The picture is turned as its EXIF orientation says.
- 16-bit values are scaled by the full range (65535 -> 255), never by what one image contains, so
  that images stay comparable; TIFF files that declare 12 bits by 4095. Floats must lie in [0, 1].
- Transparent pixels are laid over white.
- The largest centred square is cut out and resized once with Pillow's bicubic filter, which
  averages over the source pixels when it shrinks.
- Grey is made from colour by ITU-R 601-2 luma; colour from grey by repeating the channel.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

RULES_VERSION = 1
"""Raised with every change of these rules, so that nothing is mixed with what is kept on disk."""

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP")
"""Pillow's decoders that files are handed to, whatever their names say."""

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
"""File names that are taken for images, in any case."""

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded. Source: Pillow's `Image.MAX_IMAGE_PIXELS` (256 MiB as RGB)."""

DRAFT_FACTOR = 2
"""A JPEG may be decoded at a smaller scale while both sides keep this many times the target."""

BITS_PER_SAMPLE = 258
"""Number of the TIFF tag."""

WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes for 16-bit grey."""


def open_picture(path: str, size: int) -> Image.Image:
    """Read an image file, turned upright.

    Args:
      path: the file.
      size: side in pixels that it will be resized to; lets a large JPEG be decoded small.

    Returns:
      A picture in whatever mode the file has.

    Raises:
      ValueError: several pages, or more than `MAX_PIXELS`.
      Exception: whatever the decoder raises on a damaged file.
    """
    with Image.open(path, formats=FORMATS) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(
                f"{picture.width} x {picture.height} px are more than the {MAX_PIXELS:,} allowed; "
                "shrink it"
            )
        pages = getattr(picture, "n_frames", 1)
        if pages > 1 and picture.format != "MPO":  # phones put a preview behind the photograph
            raise ValueError(f"it has {pages} pages; save each page as a file of its own")
        picture.draft(None, (DRAFT_FACTOR * size, DRAFT_FACTOR * size))
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
        if picture.format == "TIFF":
            picture.info["bits"] = picture.tag_v2.get(BITS_PER_SAMPLE, (8,))[0]  # type: ignore[attr-defined]
        return picture


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
        return Image.fromarray(sixteen_to_eight(np.asarray(picture), largest))
    if picture.mode == "I":
        raise ValueError("it has 32-bit integers, whose range is not known; save it with 8 or 16")
    if picture.mode == "F":
        return Image.fromarray(_floats_to_eight(np.asarray(picture)))
    target = "L" if is_grey(picture) else "RGB"
    if picture.has_transparency_data:
        over = Image.new("RGBA", picture.size, "white")
        over.alpha_composite(picture.convert("RGBA"))
        return over.convert(target)
    return picture.convert("RGB").convert(target)


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
