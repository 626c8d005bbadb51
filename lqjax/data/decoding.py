"""Many pictures: decoded into memory or into a file, the bad ones refused or skipped."""

from __future__ import annotations

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.cache import cached_images
from lqjax.data.chunks import Bad, Form, chunks_from, decode_chunks
from lqjax.data.source import Listing
from lqjax.typing import Split


def decode(
    listing: Listing, settings: DataConfig, channels: int, title: str, only_grey: bool = False
) -> tuple[Split, tuple[tuple[str, str], ...]]:
    """Decode the pictures of a split in parallel threads.

    Args:
      listing: what to decode.
      settings: `image_size`, `workers`, `on_bad_image`, `cache_dir`.
      channels: 1 or 3, of the result.
      title: what the progress bar says, "train images".
      only_grey: raise `ColourFoundError` at a picture in colour rather than turn it grey.

    Returns:
      The split, and (name, reason) of every image that was skipped. With `cache_dir` the images
      are a read-only memory map of a file there, and what is there already is not decoded again.

    Raises:
      ValueError: an image is bad and `on_bad_image` is "error" (the first one is named), or all
        of them are, or the images do not fit in memory or `cache_dir`.
    """
    form = Form(settings.image_size, channels, only_grey)
    fill = cached_images if settings.cache_dir else _images_in_memory
    images, bad = fill(listing, settings, form, title)
    labels = listing.labels.astype(np.int32)
    if not bad:
        return Split(images, labels, listing.ids, listing.groups, listing.weights), ()
    skipped = tuple((listing.names[row], reason) for row, reason in bad)
    if len(bad) == len(listing):
        raise ValueError(f"{skipped[0][0]} and all other {title} are unusable ({skipped[0][1]})")
    kept = np.setdiff1d(np.arange(len(listing)), [row for row, _ in bad])
    left = listing.take(np.isin(np.arange(len(listing)), kept))
    return Split(images, labels[kept], left.ids, left.groups, left.weights), skipped


def _images_in_memory(
    listing: Listing, settings: DataConfig, form: Form, title: str
) -> tuple[np.ndarray, list[Bad]]:
    images, filled = _room(len(listing), form), 0
    bad: list[Bad] = []
    for chunk in decode_chunks(listing, chunks_from(0, len(listing), form), settings, form, title):
        images[filled : filled + len(chunk.pixels)] = chunk.pixels
        filled += len(chunk.pixels)
        bad += chunk.bad
    return images[:filled], bad


def _room(count: int, form: Form) -> np.ndarray:
    try:
        return np.empty((count, *form.image_shape), np.uint8)
    except MemoryError:
        gigabytes = count * form.image_bytes / 1e9
        raise ValueError(
            f"{count:,} images of {form.size} px need {gigabytes:.0f} GB of memory, which is not "
            "there; decode them to a disk with data.cache_dir, lower data.image_size, or set "
            "data.train_limit and data.test_limit"
        ) from None
