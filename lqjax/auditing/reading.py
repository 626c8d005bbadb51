"""One picture of a listing: its file's facts, its digests and what the device looks at."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from lqjax.auditing.samples import Samples, samples_of, window_of
from lqjax.data.contents import content_digest, file_digest
from lqjax.data.pictures import WHOLE, is_grey, open_picture, stored_picture, to_eight_bit
from lqjax.data.source import Listing

DIGEST_BYTES = 16

Tables = Mapping[int, Sequence[int]]
"""Quantisation tables of a JPEG file by number, 64 values each, row by row."""


@dataclass(frozen=True)
class Facts:
    """What a file says of its picture.

    Attributes:
      width, height: of the upright picture in px.
      grey: whether it has one channel.
      size: of the file or record in bytes; 0 where it has none.
      tables: quantisation tables of a JPEG file; empty for others.
    """

    width: int
    height: int
    grey: bool
    size: int
    tables: Tables


@dataclass(frozen=True)
class Reading:
    """All that is taken of one picture.

    Attributes:
      facts: of its file.
      samples: without a batch axis.
      content: digest of the bytes of the file or record, 32 hexadecimal digits.
      pixels: digest of the decoded pixels, 32 hexadecimal digits.
    """

    facts: Facts
    samples: Samples
    content: str
    pixels: str


def read_picture(listing: Listing, row: int, image_size: int) -> Reading:
    """Read a picture at its own size, whatever the source.

    Args:
      listing: of the source.
      row: which of the listing.
      image_size: side in px of what the network sees.

    Raises:
      Exception: whatever a damaged picture makes a decoder raise.
    """
    if listing.files:
        path = listing.files[row]
        picture, window, tables = _decoded(path)  # first: it refuses what is too large
        content, size = file_digest(path), Path(path).stat().st_size
    else:
        data = listing.content(row)
        content, size = content_digest(data), len(data)
        if listing.encoded:
            picture, window, tables = _decoded(io.BytesIO(data))
        else:
            picture, tables = listing.read(row), {}
            window = window_of(picture)
    plain = to_eight_bit(picture)
    facts = Facts(*picture.size, is_grey(picture), size, tables)
    pixels = np.asarray(plain)
    samples = samples_of(plain, pixels, window, image_size)
    return Reading(facts, samples, content, _pixel_digest(plain, pixels))


def whole_picture(listing: Listing, row: int) -> Image.Image:
    """Read a picture at its own size and upright, as `read_picture` looks at it."""
    if listing.files:
        return open_picture(listing.files[row], WHOLE)
    if listing.encoded:
        return open_picture(io.BytesIO(listing.content(row)), WHOLE)
    return listing.read(row)


def _decoded(
    file: str | IO[bytes],
) -> tuple[Image.Image, tuple[np.ndarray, np.ndarray], Tables]:
    """Decode a file in full: the upright picture, the window of the stored one, and its tables.

    Sources let the decoder shrink large JPEG files, which would hide blur, noise and blocks.
    """
    with stored_picture(file) as picture:
        window = window_of(picture)
        ImageOps.exif_transpose(picture, in_place=True)
        return picture, window, getattr(picture, "quantization", {})


def _pixel_digest(picture: Image.Image, pixels: np.ndarray) -> str:
    """Tell pictures apart by mode, size and pixels."""
    digest = hashlib.blake2b(f"{picture.mode} {picture.size} ".encode(), digest_size=DIGEST_BYTES)
    digest.update(pixels.data)  # in the order in which the picture gives its bytes
    return digest.hexdigest()
