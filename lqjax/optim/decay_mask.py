"""Which parameters weight decay applies to."""

from __future__ import annotations

from typing import Any

import jax

from lqjax.typing import Tree

UNDECAYED_LEAVES = ("scale", "bias")


def decay_mask(params: Tree, decay_norm_and_bias: bool) -> Tree:
    """Mark the parameters that decay: all, or all but norm scales and biases.

    Args:
      params: nested dicts whose leaf names tell weights (`kernel`) from `scale` and `bias`.
      decay_norm_and_bias: decay everything.

    Returns:
      The same structure with booleans.
    """

    def decays(path: tuple[Any, ...], _: Any) -> bool:
        return decay_norm_and_bias or path[-1].key not in UNDECAYED_LEAVES

    return jax.tree_util.tree_map_with_path(decays, params)
