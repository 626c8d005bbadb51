"""Does a checkpoint fit a network? Said before it is read, in terms of both shapes."""

from __future__ import annotations

import json
import zlib
from typing import Any

import jax
from etils import epath

from lqjax.typing import Tree


class MisfitError(ValueError):
    """A checkpoint belongs to another network; the message names what stands on either side."""


def check_fit(found: Tree, wanted: Tree, folder: epath.Path) -> None:
    """Refuse a checkpoint whose arrays are not those of the network.

    Args:
      found: what the checkpoint holds: a tree of objects with a shape and a dtype.
      wanted: `jax.ShapeDtypeStruct` of what the network needs.
      folder: of the checkpoint, for the message.

    Raises:
      MisfitError: an array is missing, is too many, or has another shape or dtype.
    """
    there, needed = _forms(found), _forms(wanted)
    for name, form in needed.items():
        if name not in there:
            other = next((name for name in there if name not in needed), "")
            instead = f"has {other}, {there[other]}, which is not here" if other else "none instead"
            raise MisfitError(
                f"{folder} belongs to another network or other settings: it has no {name}, which"
                f" is {form} here, and {instead}; use another workdir, or the settings it was made"
                " with"
            )
        if there[name] != form:
            raise MisfitError(
                f"{folder} belongs to another network or other classes: {name} is {there[name]}"
                f" there and {form} here; use another workdir, or the data and settings it was"
                " made with"
            )
    for name in there:
        if name not in needed:
            raise MisfitError(
                f"{folder} belongs to another network or other settings: it has {name},"
                f" {there[name]}, which is not here; use another workdir, or the settings it was"
                " made with"
            )


def structure_checksum(tree: Tree) -> int:
    """Sum up names, shapes and dtypes, of arrays or of what a checkpoint says of them."""
    return zlib.crc32(json.dumps(_forms(tree), sort_keys=True).encode())


def _forms(tree: Tree) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda node: hasattr(node, "shape"))
    return {_name(path): f"{leaf.dtype}{tuple(leaf.shape)}" for path, leaf in leaves}


def _name(path: tuple[Any, ...]) -> str:
    # An optimiser's named tuple is a dict of field names in a checkpoint.
    parts = [getattr(key, "key", getattr(key, "name", getattr(key, "idx", key))) for key in path]
    return "/".join(map(str, parts))
