"""A file of weights, whatever wrote it, as arrays by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lqjax.weights.pytorch_file import read_pytorch
from lqjax.weights.safetensors_file import is_safetensors, read_safetensors


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read all tensors of a file of `torch.save` or safetensors; nothing in it is run.

    Returns:
      The arrays by name; floating-point ones as float32.

    Raises:
      ValueError: naming the file and what is wrong with it.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        found = read_safetensors(path) if is_safetensors(path) else read_pytorch(path)
        return {name: _as_float32(name, array) for name, array in found.items()}
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}") from None


def _as_float32(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "biu":
        return array
    with np.errstate(over="ignore"):
        made = array.astype(np.float32, copy=False)
    if not np.isfinite(made).all():
        raise ValueError(f"{name} has numbers that are infinite or NaN")
    return made
