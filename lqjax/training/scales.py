"""What the numbers of a training split are scaled by."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from lqjax.data.batch import to_devices
from lqjax.runtime import replicated


class Scales(NamedTuple):
    """What compiled programs are told of a training split.

    They are arguments of the programs, so that all folds share them.

    Attributes:
      mean, std: of the images in [0, 1], float32, (channels,).
      class_weights: how much each class counts in the loss, (classes,).
    """

    mean: jax.Array
    std: jax.Array
    class_weights: jax.Array


def make_scales(
    statistics: tuple[np.ndarray, np.ndarray], class_weights: np.ndarray, mesh: Mesh
) -> Scales:
    """Put the scales of a split on every device of a mesh.

    Args:
      statistics: (mean, std) per channel, from `lqjax.data.normalisation`.
      class_weights: from `lqjax.training.class_weights`.
    """
    whole, wide = replicated(mesh), jax.dtypes.canonicalize_dtype(np.float64)
    mean, std = (to_devices(np.asarray(values, np.float32), whole) for values in statistics)
    return Scales(mean, std, to_devices(np.asarray(class_weights, wide), whole))
