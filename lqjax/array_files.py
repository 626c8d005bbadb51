"""Arrays of a working directory, as npz files: written at once, read whole or refused; no jax."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from etils import epath

from lqjax.damaged import BY_HAND, damaged
from lqjax.rows import replace_bytes

ENDING = ".npy"


def write_arrays(path: epath.Path, **arrays: np.ndarray) -> None:
    """Write an npz file at once, never in part."""
    # A zip file seeks while it is written, which files on a bucket cannot.
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    replace_bytes(path, packed.getvalue())


def read_arrays(path: epath.Path, repair: str = BY_HAND) -> dict[str, np.ndarray]:
    """Read an npz file; no code in it is run.

    Args:
      repair: what mends it where it is damaged, for the message.

    Raises:
      DamagedError: it is empty, cut off or altered, or holds objects.
      FileNotFoundError: there is none.
    """
    content = path.read_bytes()
    if not content:
        raise damaged(path, "it is empty", repair)
    try:
        # Each member is read to its end before NumPy sees it: only then is its checksum compared.
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return {name.removesuffix(ENDING): _array(data) for name, data in members.items()}
    except Exception as error:  # whatever zipfile and NumPy meet in a damaged file
        raise damaged(path, error, repair) from None


def _array(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
