"""The handwritten digits that scikit-learn ships: 1,797 images of 8 x 8 pixels, ten classes."""

from __future__ import annotations

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing

LARGEST_VALUE = 16
"""Pixels of the digits are whole numbers 0..16."""

CREDIT = (
    "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), "
    "UCI Machine Learning Repository, CC BY 4.0; as shipped with scikit-learn"
)


@SOURCES.register("digits")
def list_digits(settings: DataConfig) -> Catalogue:
    """List the digits, scaled to 8 bits; ids are "digits/17".

    Returns:
      All 1,797 images as the training split, one channel.

    Source: https://archive.ics.uci.edu/dataset/80
    """
    from sklearn.datasets import load_digits  # slow import, needed here only

    raw = load_digits()
    values = np.rint(raw.images * 255 / LARGEST_VALUE).astype(np.uint8)
    names = [f"digits/{row}" for row in range(len(values))]
    return Catalogue(
        name="digits",
        splits={
            "train": Listing(
                np.asarray(names),
                raw.target,
                names,
                lambda row: from_array(values[row]),
                content=lambda row: values[row].tobytes(),
            )
        },
        class_names=tuple(str(name) for name in raw.target_names),
        channels=1,
        credit=CREDIT,
    )
