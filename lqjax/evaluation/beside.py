"""Two splits of the same examples, whose batches come side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np

from lqjax.data.batch import Batch, Placed

Pair = tuple[jax.Array, jax.Array]
"""Images of one split, and of the other."""


class Beside:
    """Pictures of examples beside the test images that they were made from.

    Args:
      pictures, images: the same examples in the same order.

    Raises:
      ValueError: they have different numbers of examples.
    """

    def __init__(self, pictures: Placed, images: Placed) -> None:
        if len(pictures) != len(images):
            raise ValueError(f"{len(pictures)} pictures of {len(images)} images")
        self._pictures, self._images = pictures, images

    def __len__(self) -> int:
        return len(self._images)

    def batches(self, rows: Iterable[np.ndarray]) -> Iterator[Batch]:
        """Give one batch after the other, of the images but for `images`, which are a `Pair`."""
        asked = list(rows)
        both = zip(self._pictures.batches(asked), self._images.batches(asked), strict=True)
        for shown, clean in both:
            pair: Any = (shown.images, clean.images)
            yield clean._replace(images=pair)
