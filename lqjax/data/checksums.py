"""Short sums of which examples there are, to compare them between runs and processes."""

from __future__ import annotations

import zlib

import numpy as np

from lqjax.typing import Split

IMAGES, LABELS, IDS, WEIGHTS = "images", "labels", "ids", "weights"


def checksums(
    ids: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, int]:
    """Count examples, and sum up their ids, labels and weights in their order (CRC-32).

    An id may be the name of a file that is not UTF-8.
    """
    made = {
        IMAGES: len(labels),
        LABELS: zlib.crc32(np.asarray(labels, "<i4").tobytes()),
        IDS: zlib.crc32("\n".join(map(str, ids)).encode("utf-8", "surrogateescape")),
    }
    if weights is not None:
        made[WEIGHTS] = zlib.crc32(np.asarray(weights, "<f4").tobytes())
    return made


def checksums_of(split: Split) -> dict[str, int]:
    """Sum up the examples of a split."""
    return checksums(split.ids, split.labels, split.weights)
