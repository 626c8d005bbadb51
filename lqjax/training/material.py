"""What a run is trained on, and what it is validated with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lqjax.data.batch import Placed
from lqjax.data.order import balanced_order, epoch_order
from lqjax.training.scales import Scales
from lqjax.typing import Tree

BALANCED = "balanced"

Validate = Callable[[Tree, Tree], tuple[float, float]]
"""(params, stats) -> (mean loss in nats, accuracy) on the validation split."""


@dataclass(frozen=True)
class Material:
    """The training split of a run as rows of images that others may share, such as other folds.

    Attributes:
      rows: which of the images are trained on, whole numbers, (examples,).
      scales: what belongs to these examples.
      validate: measures the validation split.
      balanced: labels of the rows, (examples,), where an epoch shows every class equally often;
        `None` where it shows every image once.
      validation: gives the validation split, for what is computed of its images once.
    """

    rows: np.ndarray
    scales: Scales
    validate: Validate
    balanced: np.ndarray | None = None
    validation: Callable[[], Placed] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Draw the order of an epoch from (seed, epoch): rows of the images, (examples,)."""
        if self.balanced is not None:
            return self.rows[balanced_order(seed, epoch, self.balanced)]
        return self.rows[epoch_order(seed, epoch, len(self.rows))]
