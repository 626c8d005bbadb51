"""Pixels that a caller hands over, as arrays that can be wrapped as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

FORMS = (
    "give an array (images, height, width, 1 or 3) or (images, height, width), or a list of such"
    " images; uint8, uint16 of one channel, or floats in [0, 1]"
)


def as_pictures(images: Any) -> list[np.ndarray]:
    """Part pixels into images, each (height, width) or (height, width, 1, 3 or 4), 8 or 16 bits.

    Args:
      images: an array or a list of them; floats count from 0 to 1.

    Raises:
      ValueError: another shape or type; the message says which are possible.
    """
    listed = list(images) if isinstance(images, (list, tuple, np.ndarray)) else None
    if listed is None or (isinstance(images, np.ndarray) and images.ndim not in (3, 4)):
        shown = getattr(images, "shape", type(images).__name__)
        raise ValueError(f"these are no images ({shown}); {FORMS}")
    return [_pixels(np.asarray(image), number) for number, image in enumerate(listed)]


def _pixels(image: np.ndarray, number: int) -> np.ndarray:
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ValueError(f"image {number} has the shape {image.shape}; {FORMS}")
    if not image.size:
        raise ValueError(f"image {number} is empty; {FORMS}")
    if image.dtype.kind == "f":
        # A NaN fails both comparisons.
        if not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(f"image {number} has floats outside [0, 1]; scale them to [0, 1]")
        return np.rint(image * 255).astype(np.uint8)
    if image.dtype == np.uint8 or (image.dtype == np.uint16 and image.ndim == 2):
        return image
    raise ValueError(f"image {number} holds {image.dtype}; {FORMS}")
