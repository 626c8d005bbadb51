"""Mean and standard deviation that images are normalised with: of the training split, or fixed."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from lqjax.config import DataConfig
from lqjax.data.cache_folder import file_stamp
from lqjax.data.selected import SelectedImages
from lqjax.rows import replace_text
from lqjax.typing import Split

STATISTICS_BYTES = 2**24
"""Images whose levels are counted at a time: 16 MiB, which bounds the memory."""

LEVELS = 256

KEPT_NAME = "levels.json"
"""Beside the images: how often each level occurs; for some rows, with their checksum in it."""


Statistics = tuple[np.ndarray, np.ndarray]
"""Mean and standard deviation, float32, (channels,) each, of values scaled to [0, 1]."""


def statistics_of(split: Split, settings: DataConfig) -> Statistics:
    """Give the mean and standard deviation that the settings fix, or fit them.

    Args:
      split: the training split.
      settings: `mean`, `std`; both empty where they are to be fitted.

    Raises:
      ValueError: one is given without the other, or not one for each channel.
    """
    given = {"data.mean": settings.mean, "data.std": settings.std}
    if not any(given.values()):
        return normalisation(split)
    channels = split.images.shape[3]
    for name, values in given.items():
        if len(values) != channels:
            said = ",".join(f"{value:g}" for value in values)
            raise ValueError(
                f"{name}={said} has {len(values)} values, and the images have {channels}"
                f" channel{'s' if channels > 1 else ''}; give {channels} each for data.mean and"
                " data.std, or leave both empty"
            )
    return np.asarray(settings.mean, np.float32), np.asarray(settings.std, np.float32)


def normalisation(split: Split) -> Statistics:
    """Compute mean and standard deviation per channel, of values scaled to [0, 1].

    Args:
      split: the training split, and no other: test images must not shape the network.

    Returns:
      mean and standard deviation, float32, (channels,), from exact counts of the 256 levels. The
      deviation is at least one level, so that it can be divided by.
    """
    counts = level_counts(split.images)
    levels = np.arange(LEVELS) / (LEVELS - 1)
    means, deviations = [], []
    for channel in counts:
        mean = float(channel @ levels / channel.sum())
        means.append(mean)
        deviations.append(float(np.sqrt(channel @ (levels - mean) ** 2 / channel.sum())))
    lowest = 1 / (LEVELS - 1)
    return np.asarray(means, np.float32), np.maximum(deviations, lowest).astype(np.float32)


def level_counts(images: np.ndarray) -> np.ndarray:
    """Count how often each level occurs in each channel.

    The counts of a memory-mapped file are kept beside it: a large one takes minutes to read.

    Args:
      images: uint8, (examples, height, width, 1 or 3); read in parts of `STATISTICS_BYTES`.

    Returns:
      int64, (channels, 256).
    """
    stored, rows = images, ""
    if isinstance(images, SelectedImages):
        stored, rows = images.images, f"-{zlib.crc32(images.rows.tobytes()):08x}"
    if not isinstance(stored, np.memmap) or stored.filename is None:
        return _count(images)
    path = Path(stored.filename)
    if path.stat().st_size != stored.nbytes:  # a part of the file
        return _count(images)
    kept = path.with_name(KEPT_NAME)
    kept, key = kept.with_stem(kept.stem + rows), [*file_stamp(path), *images.shape]
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_text())
        if found["of"] == key:
            return np.asarray(found["counts"], np.int64)
    counts = _count(images)
    with suppress(OSError):  # a folder that is full or read-only: it will be counted again
        replace_text(kept, json.dumps({"of": key, "counts": counts.tolist()}) + "\n")
    return counts


def _count(images: np.ndarray) -> np.ndarray:
    channels = images.shape[3]
    counts = np.zeros((channels, LEVELS), np.int64)
    step = max(STATISTICS_BYTES // images[:1].nbytes, 1)
    for start in range(0, len(images), step):
        part = np.asarray(images[start : start + step])
        flat = part.reshape(-1, part.shape[2] * channels)
        rows = flat if channels == 1 else flat.reshape(len(flat), -1, channels)
        # Pillow counts bytes 5 times as fast as numpy.bincount, which makes integers of them.
        counts += np.asarray(Image.fromarray(rows).histogram()).reshape(channels, LEVELS)
    return counts
