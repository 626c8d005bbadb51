"""Tensors of a file as arrays, by its own account of where each lies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import ml_dtypes
import numpy as np

ELEMENTS = {
    "DoubleStorage": np.dtype(np.float64),
    "FloatStorage": np.dtype(np.float32),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}
"""Names of PyTorch's storages, and what they hold."""

MAX_DIMENSIONS = 8
"""No published network has more; NumPy ends at 64."""


@dataclass(frozen=True)
class Storage:
    """A run of equal numbers in the file.

    Attributes:
      key: its name in the file.
      kind: a name of `ELEMENTS`.
      length: how many numbers.
    """

    key: str
    kind: str
    length: int


@dataclass(frozen=True)
class StoredTensor:
    """A view of a storage.

    Attributes:
      storage: what it looks at.
      offset: of its first number.
      shape, strides: in numbers.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def cut_off(missing: str, error: Exception | None = None) -> ValueError:
    """Make the refusal of a file that does not hold all that it says it does.

    Args:
      missing: the first tensor or entry that does not lie in it; empty where none is known.
      error: what the reader said, which stands for it then.
    """
    why = f"{missing} does not lie in it" if missing else " ".join(str(error).split())
    return ValueError(f"it is cut off or damaged ({why})")


def to_array(tensor: StoredTensor, read: Callable[[Storage], bytes]) -> np.ndarray:
    """Copy a tensor out of its storage.

    Args:
      read: gives the bytes of a storage, at least as many as it claims.

    Raises:
      ValueError: it reaches over its storage, or repeats numbers of it.
    """
    _check(tensor)
    dtype = ELEMENTS[tensor.storage.kind]
    numbers = np.frombuffer(read(tensor.storage), dtype, tensor.storage.length)
    view = np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :],
        tensor.shape,
        [stride * dtype.itemsize for stride in tensor.strides],
        writeable=False,
    )
    return view.copy()


def _check(tensor: StoredTensor) -> None:
    shape, strides, length = tensor.shape, tensor.strides, tensor.storage.length
    if len(shape) != len(strides) or len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"its shape {shape} and strides {strides} do not belong together")
    if min((tensor.offset, *shape, *strides), default=0) < 0:
        raise ValueError(f"its shape {shape}, strides {strides} or offset is negative")
    count = math.prod(shape)
    if count > length:
        raise ValueError(f"its shape {shape} has {count} numbers, its storage has {length}")
    last = tensor.offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if tensor.offset > length or (count and last >= length):
        raise ValueError(f"it reaches to number {last} of a storage of {length}")
