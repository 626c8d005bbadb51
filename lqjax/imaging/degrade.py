"""Degrade images on the host: NumPy in, NumPy of the same type and shape out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral

import numpy as np

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import Condition, parse
from lqjax.imaging.keys import example_numbers
from lqjax.imaging.levels import MAX_LEVEL

CHUNK = 128
"""Images on the device at a time."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Floating-point types that are taken, holding values in [0, 1]."""


def degrade(
    images: np.ndarray,
    condition: str,
    seed: int = 0,
    ids: Sequence[str] | np.ndarray | None = None,
) -> np.ndarray:
    """Degrade one image or a batch as a condition says.

    The result is computed in float32 and rounded to the type of the input.

    Args:
      images: uint8 in 0..255, or float16, bfloat16, float32 or float64 in [0, 1]; shape
        (height, width), (height, width, 1 or 3), (batch, height, width) or
        (batch, height, width, 1 or 3).
      condition: for example "low_quality/motion_blur@high" or "jpeg(quality=40)".
      seed: any whole number.
      ids: one name per image, on which its noise depends; by default "0", "1", ...

    Returns:
      Array of the same type and shape.

    Raises:
      ValueError: an impossible condition, type, shape or value.
    """
    if not isinstance(condition, str):
        raise ValueError(f"condition must be a text such as 'jpeg(quality=40)', not {condition!r}")
    parsed = parse(condition)
    array = np.asarray(images)
    batch = as_batch(array)
    check_values(batch)
    names = names_of(ids, len(batch))
    check_seed(seed)
    if not parsed.steps or not len(batch):
        return array.copy()
    finished = _in_chunks(parsed, batch, example_numbers(names), seed)
    return np.concatenate(list(finished)).reshape(array.shape)


def _in_chunks(
    condition: Condition, batch: np.ndarray, numbers: np.ndarray, seed: int
) -> Iterator[np.ndarray]:
    for start in range(0, len(batch), CHUNK):
        rows = slice(start, start + CHUNK)
        chunk, count = batch[rows], len(batch[rows])
        # Powers of two, so that a sweep over batch sizes compiles a handful of programs.
        missing = (1 << (count - 1).bit_length()) - count
        given = chunk if chunk.dtype == np.uint8 else chunk.astype(np.float32)
        filled = np.concatenate([given, np.repeat(given[-1:], missing, axis=0)])
        ids = np.concatenate([numbers[rows], np.zeros(missing, np.uint32)])
        result = np.asarray(apply_condition(condition, filled, ids, seed))[:count]
        if batch.dtype == np.uint8:
            result = np.rint(result * MAX_LEVEL)
        yield result.astype(batch.dtype)


def as_batch(array: np.ndarray) -> np.ndarray:
    """Bring images of any shape that `degrade` takes to (batch, height, width, 1 or 3).

    Raises:
      ValueError: another type or shape; the message says how to convert it.
    """
    if array.dtype.kind in "iu" and array.dtype != np.uint8 and array.size:
        low, high = array.min(), array.max()
        if low < 0 or high > MAX_LEVEL:
            raise ValueError(
                f"images are {array.dtype} and span {low} to {high}; 8-bit levels lie in 0 to"
                f" {MAX_LEVEL}; scale others to floats in [0, 1]: (images / {max(high, 1)})"
            )
    if array.dtype != np.uint8 and array.dtype.name not in FLOATS:
        raise ValueError(
            f"images are {array.dtype}; convert them to uint8 (0 to 255) or to"
            f" {', '.join(FLOATS)} in [0, 1]; 16-bit data: (images / 65535).astype('float32')"
        )
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    if array.ndim == 3 and array.shape[2] in (1, 3):
        return array[None]
    if array.ndim == 2:
        return array[None, :, :, None]
    if array.ndim == 3 and array.shape[2] not in (2, 4) and array.shape[0] != 3:
        return array[..., None]
    raise ValueError(f"images have shape {array.shape}; {_shape_advice(array.shape)}")


def _shape_advice(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 and shape[1] in (1, 3):
        return "channels go last: images.transpose(0, 2, 3, 1)"
    if len(shape) == 3 and shape[0] == 3:
        return (
            "write images[..., None] for a batch of grey images, images.transpose(1, 2, 0) for"
            " one image with channels first"
        )
    if shape and shape[-1] in (2, 4):
        return "drop the alpha channel: images[..., :-1]"
    return "allowed: (height, width), (batch, height, width), both with 1 or 3 channels last"


def names_of(ids: Sequence[str] | np.ndarray | None, count: int) -> np.ndarray:
    """Give the names of so many images: `ids`, or "0", "1", ... where there are none.

    Raises:
      ValueError: not one name for each image.
    """
    names = np.arange(count).astype(str) if ids is None else np.asarray(ids)
    if names.shape != (count,):
        raise ValueError(
            f"ids must list one name for each of {count} images, not {ids!r:.60}: {count} images,"
            f" {names.size} ids"
        )
    return names


def check_seed(seed: int) -> None:
    """Refuse a seed that is no whole number."""
    if not isinstance(seed, Integral):
        raise ValueError(f"seed must be a whole number, not {seed!r}")


def check_values(batch: np.ndarray) -> None:
    """Refuse NaN and floats outside [0, 1]."""
    if batch.dtype == np.uint8 or not batch.size:
        return
    low, high = float(batch.min()), float(batch.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"floating-point images must lie in [0, 1], these span {low} to {high}; divide"
            f" by their white level ({MAX_LEVEL} for 8-bit data), and clip or fill in NaN"
        )
