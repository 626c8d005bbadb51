"""Weight decay, and which parameters it applies to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import optax

from lqjax.config import OptimizerConfig
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


def mask_of(settings: OptimizerConfig) -> Callable[[Tree], Tree]:
    """Return `decay_mask` as the settings want it, a function of the parameters only."""
    return lambda params: decay_mask(params, settings.decay_norm_and_bias)


def masked_decay(settings: OptimizerConfig) -> optax.GradientTransformation:
    """Add `weight_decay` times the decaying parameters to what is passed on."""
    return optax.add_decayed_weights(settings.weight_decay, mask=mask_of(settings))
