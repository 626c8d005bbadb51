"""Arrays of ours under the names and in the layouts of torchvision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lqjax.weights.published_names import COUNTED, place_of
from lqjax.weights.transposing import to_theirs

MEAN = "/mean"
"""Ends the name of an array of which each batch norm has one."""


def to_state_dict(model: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name and turn every array so that PyTorch loads them strictly.

    Args:
      model: name of the network.
      arrays: by our name, float32: all parameters and statistics.

    Returns:
      By torchvision's name; with `num_batches_tracked` of every batch norm, which is 0.
    """
    made: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        place = place_of(model, name)
        made[place.key] = np.ascontiguousarray(to_theirs(array, place))
        if name.endswith(MEAN):
            made[f"{place.key.rpartition('.')[0]}.{COUNTED}"] = np.zeros((), np.int64)
    return made
