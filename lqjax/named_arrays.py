"""Arrays of nested dicts by one name each, such as "layer1/0/conv1/kernel"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from lqjax.typing import Tree


def named(*trees: Tree) -> dict[str, Any]:
    """Flatten trees to their leaves by name."""
    return {
        _name(path): leaf
        for tree in trees
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def filled(tree: Tree, arrays: Mapping[str, Any]) -> Tree:
    """Put arrays in the place of the leaves of these names; others stay as they are."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: arrays.get(_name(path), leaf), tree)


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(str(key.key) for key in path)
