"""Pixels that a caller hands over, as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from lqjax.data.pictures import from_array

FORMS = (
    "give an array (images, height, width, 1, 3 or 4) or (images, height, width), or a list of"
    " images without the first; uint8, uint16 of one channel, or floats in [0, 1]"
)

CHANNELS = (1, 3, 4)
"""Grey, colour, colour with transparency."""

LARGEST = 255
"""Of 8 bits."""


def as_pictures(images: Any) -> list[np.ndarray | Image.Image]:
    """Part pixels into images, each (height, width) or (height, width, 1, 3 or 4).

    None is copied: `to_picture` turns each into what is decoded from a file.

    Args:
      images: an array, or a list of arrays or of Pillow's pictures.

    Raises:
      ValueError: another shape or type; the message says which are possible.
    """
    if not isinstance(images, (list, tuple)):
        shown = f"of shape {images.shape}" if hasattr(images, "shape") else type(images).__name__
        if not hasattr(images, "__array__") or np.ndim(images) not in (3, 4):
            raise ValueError(f"these are no images ({shown}); {FORMS}")
        images = np.asarray(images)
        if images.ndim == 3 and images.shape[2] in CHANNELS:
            raise ValueError(f"an array {shown} looks like one image; give it as a list, [image]")
    return [_checked(image, number) for number, image in enumerate(images)]


def _checked(image: Any, number: int) -> np.ndarray | Image.Image:
    if isinstance(image, Image.Image):
        return image
    if not hasattr(image, "__array__"):
        raise ValueError(f"image {number} has the type {type(image).__name__}; {FORMS}")
    pixels = np.asarray(image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in CHANNELS):
        raise ValueError(f"image {number} has the shape {pixels.shape}; {FORMS}")
    if not pixels.size:
        raise ValueError(f"image {number} is empty; {FORMS}")
    wide = pixels.dtype == np.uint16 and (pixels.ndim == 2 or pixels.shape[2] == 1)
    if not (pixels.dtype == np.uint8 or pixels.dtype.kind == "f" or wide):
        raise ValueError(f"image {number} holds {pixels.dtype}; {FORMS}")
    return pixels


def to_picture(image: np.ndarray | Image.Image, number: int) -> Image.Image:
    """Wrap an image of `as_pictures` as a picture; floats count from 0 to 1.

    Raises:
      ValueError: floats outside.
    """
    if isinstance(image, Image.Image):
        return image
    if image.dtype.kind == "f":
        # A NaN fails both comparisons.
        if not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(f"image {number} has floats outside [0, 1]; scale them to [0, 1]")
        image = np.rint(image.astype(np.float64) * LARGEST).astype(np.uint8)
    return from_array(image)
