"""Checkpoints that cannot be read: found by their checksum, and moved out of the way."""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from etils import epath

from lqjax.distributed import decide
from lqjax.typing import Tree

DAMAGED = "damaged"
"""Folder beside the checkpoints where damaged ones go."""

EXPLANATION = "README.txt"
EXPLAINED = (
    "Checkpoints that could not be read. Training went on from an earlier one, or anew, and\n"
    "another epoch was tested; nothing here is used any more, and it may be deleted.\n"
)

SEAL = "seal"
"""Name under which a record carries its own checksum."""


class UnreadableError(ValueError):
    """A checkpoint is damaged; the message names it."""


def checksum(tree: Tree) -> int:
    """Add up all bits of a tree as 32-bit words: a single wrong bit changes the sum.

    Computed on the device, where it takes no time worth mentioning.
    """
    return int(_sum_of_words(jax.tree.leaves(tree)))


@functools.partial(jax.jit)
def _sum_of_words(leaves: list[jax.Array]) -> jax.Array:
    total = jnp.zeros((), jnp.uint32)
    for leaf in leaves:
        words = leaf.astype(jnp.uint32) if leaf.dtype.itemsize < 4 else _words(leaf)
        total = total + words.sum(dtype=jnp.uint32)
    return total


def _words(leaf: jax.Array) -> jax.Array:
    return jax.lax.bitcast_convert_type(leaf, jnp.uint32)


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Add the checksum of a record to it, CRC-32 of its JSON; the same in every format."""
    return {**record, SEAL: _sum_of_text(record)}


def check_seal(record: Mapping[str, Any], folder: epath.Path) -> None:
    """Refuse a record that is not as it was written.

    Raises:
      UnreadableError: it has another checksum, or none.
    """
    if SEAL not in record or is_changed(record):
        raise UnreadableError(f"{folder}: the checksum of its record is wrong")


def is_changed(record: Mapping[str, Any]) -> bool:
    """Tell whether a record carries a checksum of other values; one without cannot be told."""
    plain = {name: value for name, value in record.items() if name != SEAL}
    return SEAL in record and record[SEAL] != _sum_of_text(plain)


def _sum_of_text(record: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(record, sort_keys=True).encode())


def set_aside(folder: epath.Path, step: int) -> epath.Path:
    """Move a checkpoint out of the folder of checkpoints; return where it lies now.

    Of several processes the first one moves it, and all of them have to call this.
    """

    def move() -> str:
        parent = folder.parent / DAMAGED
        target, number = parent / str(step), 1
        while target.exists():
            target, number = parent / f"{step}-{number}", number + 1
        parent.mkdir(parents=True, exist_ok=True)
        # A bucket has no empty folders, and nothing is moved into a folder that is not there.
        (parent / EXPLANATION).write_text(EXPLAINED)
        (folder / str(step)).rename(target)
        return str(target)

    return epath.Path(decide(move))
