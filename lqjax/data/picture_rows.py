"""Pictures decoded to pixels one after the other. No jax here: worker processes import it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lqjax.data.pictures import is_grey, to_pixels

CHUNK = 64
"""Most images that a thread or process takes at a time."""

CHUNK_BYTES = 2**24
"""Fewer where they are large: decoded chunks wait in memory for their turn."""

BadPicture = tuple[int, Exception]
"""A row that cannot be used, and what was raised."""


class ColourFoundError(Exception):
    """A picture in colour where only grey ones were expected."""


@dataclass(frozen=True)
class Form:
    """What pictures are decoded to.

    Attributes:
      size: side in pixels.
      channels: 1 or 3.
      only_grey: raise `ColourFoundError` at a picture in colour rather than turn it grey.
    """

    size: int
    channels: int
    only_grey: bool = False

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.size * self.size * self.channels

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.size, self.size, self.channels

    @property
    def chunk(self) -> int:
        """Images of a chunk."""
        return max(1, min(CHUNK, CHUNK_BYTES // self.image_bytes))


def decode_rows(
    read: Callable[[int], Image.Image], rows: Sequence[int], form: Form, stop_at_bad: bool
) -> tuple[np.ndarray, list[BadPicture]]:
    """Decode pictures.

    Args:
      read: gives the picture of a row.
      stop_at_bad: leave the rows after the first bad one.

    Returns:
      uint8, (good rows, size, size, channels), and the bad ones.

    Raises:
      ColourFoundError: as `form` says.
    """
    pixels = np.empty((len(rows), *form.image_shape), np.uint8)
    good, bad = 0, []
    for row in rows:
        try:
            picture = read(row)
            if form.only_grey and not is_grey(picture):
                raise ColourFoundError
            pixels[good] = to_pixels(picture, form.size, form.channels)
            good += 1
        except ColourFoundError:
            raise
        except Exception as error:  # damaged files make decoders raise nearly anything
            bad.append((row, error))
            if stop_at_bad:
                break
    return pixels[:good], bad


@contextmanager
def strict_decoders() -> Iterator[None]:
    """Make Pillow refuse what it would only warn of as dangerous; mute what it finds odd."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
