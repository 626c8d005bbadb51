"""Between the layouts of PyTorch's arrays and of ours."""

from __future__ import annotations

import numpy as np

from lqjax.weights.published_names import Place

POOLED_SIDE = 6
"""Side of the map that AlexNet's first dense layer reads."""


def to_ours(array: np.ndarray, place: Place) -> np.ndarray:
    """Turn (out, in, height, width) to (height, width, in, out), and (out, in) to (in, out).

    Args:
      array: as PyTorch has it; of other dimensions than its kind has, it is left as it is.
    """
    if place.kind == "conv" and array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if place.kind == "dense" and array.ndim == 2:
        pixels = POOLED_SIDE**2
        if place.pooled and array.shape[1] % pixels == 0:
            maps = array.reshape(len(array), -1, POOLED_SIDE, POOLED_SIDE)
            array = maps.transpose(0, 2, 3, 1).reshape(len(array), -1)
        return array.transpose()
    return array


def to_theirs(array: np.ndarray, place: Place) -> np.ndarray:
    """Undo `to_ours`."""
    if place.kind == "conv" and array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if place.kind == "dense" and array.ndim == 2:
        array = array.transpose()
        if place.pooled:
            maps = array.reshape(len(array), POOLED_SIDE, POOLED_SIDE, -1)
            array = maps.transpose(0, 3, 1, 2).reshape(len(array), -1)
    return array


def shape_there(shape: tuple[int, ...], place: Place) -> tuple[int, ...]:
    """Say which shape an array of ours has in PyTorch."""
    if place.kind == "conv" and len(shape) == 4:
        return shape[3], shape[2], shape[0], shape[1]
    return shape[::-1]
