"""A file of weights, whatever wrote it, as arrays by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lqjax.weights.published_names import unwrapped
from lqjax.weights.pytorch_file import read_pytorch
from lqjax.weights.safetensors_file import is_safetensors, read_safetensors

LONGEST_REASON = 500
"""Characters of what is said of a file."""


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read all tensors of a file of `torch.save` or safetensors; nothing in it is run.

    Returns:
      The arrays by name, without what wrappers put before it; floating-point ones as float32.

    Raises:
      ValueError: naming the file and what is wrong with it.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        is_plain = is_safetensors(path)
        found = read_safetensors(path) if is_plain else read_pytorch(path)
        if not found:
            raise ValueError("it holds no tensors; save model.state_dict()")
        return unwrapped({name: _as_float32(name, array) for name, array in found.items()})
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {in_one_line(str(error))}") from None


def in_one_line(text: str) -> str:
    """Turn a message that quotes a file, which may hold anything, into one that can be shown."""
    plain = "".join(c if c.isprintable() else " " for c in text[:LONGEST_REASON])
    return " ".join(plain.split())


def _as_float32(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "biu":
        return array
    if array.dtype.kind == "c":
        raise ValueError(f"{name} has complex numbers, which no network here has")
    with np.errstate(over="ignore"):
        made = array.astype(np.float32, copy=False)
    if not np.isfinite(made).all():
        raise ValueError(f"{name} has numbers that are infinite or NaN")
    return made
