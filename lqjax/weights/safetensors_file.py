"""Files of safetensors, by its own library."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lqjax.rows import replace_bytes
from lqjax.weights.stored_tensors import cut_off

START = struct.Struct("<Q")
"""How long the header is, before it."""

NOTES = "__metadata__"
"""Entry of the header that is no tensor."""


def is_safetensors(path: Path) -> bool:
    """Tell by its first bytes whether a file could be of safetensors."""
    with path.open("rb") as file:
        head = file.read(START.size + 1)
    return len(head) > START.size and head[-1:] == b"{"


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Read all tensors, by name.

    Raises:
      ValueError: the file is damaged; the reason, without the path.
    """
    try:
        with safe_open(path, framework="np") as file:
            return {name: _tensor(file, name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except SafetensorError as error:
        raise cut_off(_first_cut_off(path), error) from None


def _first_cut_off(path: Path) -> str:
    """Name the first tensor that the header places past the end; empty if that cannot be told."""
    size = path.stat().st_size
    with path.open("rb") as file:
        [length] = START.unpack(file.read(START.size))
        header = file.read(min(length, size))
    try:
        entries = json.loads(header)
        ends = {
            name: START.size + length + int(entry["data_offsets"][1])
            for name, entry in entries.items()
            if name != NOTES
        }
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return ""  # JSON has numbers without end: 1e999
    return next((name for name, end in sorted(ends.items(), key=itemgetter(1)) if end > size), "")


def _tensor(file: Any, name: str) -> np.ndarray:
    try:
        return file.get_tensor(name)
    except (TypeError, AttributeError, KeyError):  # narrow kinds, which NumPy does not have
        kind = file.get_slice(name).get_dtype()
        raise ValueError(f"{name} holds {kind}, which is not read; save it as float32") from None


def read_notes(path: Path) -> dict[str, str]:
    """Read the texts that stand in the header.

    Raises:
      ValueError: as `read_safetensors`.
    """
    try:
        with safe_open(path, framework="np") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise cut_off("", error) from None


def write_safetensors(
    tensors: Mapping[str, np.ndarray], path: Path, notes: Mapping[str, str]
) -> None:
    """Write tensors, each in memory as NumPy has it by default, and texts beside them.

    A reader sees the earlier file or the new one, never a part.

    Raises:
      OSError: it cannot be written; the error names the file.
    """
    # `ascontiguousarray` would make a list of one of a single number.
    whole = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    replace_bytes(path, save(whole, dict(notes)))
