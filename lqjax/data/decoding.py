"""Many pictures: decoded in parallel into one array, the bad ones refused or skipped."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from PIL import Image
from tqdm import tqdm

from lqjax.config import DataConfig
from lqjax.data.pictures import is_grey, to_pixels
from lqjax.data.source import Listing, one_line
from lqjax.typing import Split

CHUNK = 64
"""Images that a thread takes at a time."""

PATIENCE_SECONDS = 2.0
"""Decoding that is done sooner shows no progress bar."""

Bad = tuple[int, str]
"""A row that cannot be used, and why."""


class ColourFoundError(Exception):
    """A picture in colour where only grey ones were expected."""


def decode(
    listing: Listing, settings: DataConfig, channels: int, title: str, only_grey: bool = False
) -> tuple[Split, tuple[tuple[str, str], ...]]:
    """Decode the pictures of a split in parallel threads.

    Args:
      listing: what to decode.
      settings: `image_size`, `workers`, `on_bad_image`.
      channels: 1 or 3, of the result.
      title: what the progress bar says.
      only_grey: raise `ColourFoundError` at a picture in colour rather than turn it grey.

    Returns:
      The split, and (name, reason) of every image that was skipped.

    Raises:
      ValueError: an image is bad and `on_bad_image` is "error" (the first one is named), or all
        of them are, or the images do not fit in memory.
    """
    images = _room(len(listing), settings.image_size, channels)

    def decode_row(row: int) -> str:
        try:
            picture = listing.read(row)
            if only_grey and not is_grey(picture):
                raise ColourFoundError
            images[row] = to_pixels(picture, settings.image_size, channels)
        except ColourFoundError:
            raise
        except Exception as error:  # damaged files make decoders raise nearly anything
            return one_line(error)
        return ""

    bad = _decode_rows(decode_row, listing, settings, title)
    labels = listing.labels.astype(np.int32)
    if not bad:
        return Split(images, labels, listing.ids), ()
    kept = np.setdiff1d(np.arange(len(listing)), [row for row, _ in bad])
    skipped = tuple((listing.names[row], reason) for row, reason in bad)
    if not len(kept):
        raise ValueError(f"{skipped[0][0]} and all other {title} are unusable ({skipped[0][1]})")
    return Split(images[kept], labels[kept], listing.ids[kept]), skipped


def _room(count: int, size: int, channels: int) -> np.ndarray:
    try:
        return np.empty((count, size, size, channels), np.uint8)
    except MemoryError:
        gigabytes = count * size * size * channels / 1e9
        raise ValueError(
            f"{count:,} images of {size} px need {gigabytes:.0f} GB of memory, which is not "
            "there; lower data.image_size, or set data.train_limit and data.test_limit"
        ) from None


def _decode_rows(
    decode_row: Callable[[int], str], listing: Listing, settings: DataConfig, title: str
) -> list[Bad]:
    """Decode all rows, chunk by chunk; return the bad ones in order, or refuse the first."""
    stop_at_bad = settings.on_bad_image == "error"

    def decode_chunk(start: int) -> list[Bad]:
        found = []
        for row in range(start, min(start + CHUNK, len(listing))):
            if reason := decode_row(row):
                found.append((row, reason))
                if stop_at_bad:
                    break
        return found

    bad: list[Bad] = []
    starts = range(0, len(listing), CHUNK)
    with (
        _strict_decoders(),
        tqdm(
            total=len(listing), desc=title, unit=" images", delay=PATIENCE_SECONDS, disable=None
        ) as bar,
        ThreadPoolExecutor(settings.workers or os.cpu_count()) as pool,
    ):
        for start, found in zip(starts, _in_order(pool, decode_chunk, starts), strict=True):
            bad += found
            bar.update(min(CHUNK, len(listing) - start))
            if bad and stop_at_bad:
                raise ValueError(
                    f"{listing.names[bad[0][0]]}: not a usable image ({bad[0][1]}); replace or "
                    "remove it, or leave such images out with data.on_bad_image=skip"
                )
    return bad


def _in_order(
    pool: ThreadPoolExecutor, decode_chunk: Callable[[int], list[Bad]], starts: range
) -> Iterator[list[Bad]]:
    """Yield what the chunks give, in order; leave none waiting when one fails."""
    try:
        yield from pool.map(decode_chunk, starts)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _strict_decoders() -> Iterator[None]:
    """Make Pillow refuse what it would only warn of as dangerous; mute what it finds odd."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
