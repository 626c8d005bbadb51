"""The images of an experiment, with or without folds: loaded once, and placed once."""

from __future__ import annotations

import numpy as np
from jax.sharding import Mesh

from lqjax.config import DataConfig
from lqjax.data.batch import Placed
from lqjax.data.contents import Known
from lqjax.data.loading import load_folds, nothing_known
from lqjax.data.normalisation import Statistics, statistics_of
from lqjax.data.placing import place
from lqjax.data.selected import SelectedImages, SelectedRows
from lqjax.typing import Split


class Stock:
    """All folds of a data set; one where there are none.

    With folds all images lie in one place, of which each split has its rows: so the folds share
    what is decoded, what lies on the devices and, since shapes are the same, what is compiled.

    Args:
      settings: of the data.
      mesh: the devices.
      known: digests of the pictures that an earlier run has found.

    Attributes:
      datasets: one a fold.
      loaded: what else is known of the data.
    """

    def __init__(self, settings: DataConfig, mesh: Mesh, known: Known = nothing_known) -> None:
        self._settings, self._mesh = settings, mesh
        self.loaded = loaded = load_folds(settings, known)
        self.datasets, self._pool = loaded.datasets, loaded.pool
        self._statistics: dict[int, Statistics] = {}
        self._placed: dict[str, Placed] = {}

    def statistics(self, fold: int) -> Statistics:
        """Fit mean and standard deviation to the training split of a fold, or give what is set.

        Errors as for `statistics_of`.
        """
        if fold not in self._statistics:
            self._statistics[fold] = statistics_of(self.datasets[fold].train, self._settings)
        return self._statistics[fold]

    def training(self, fold: int) -> tuple[Placed, np.ndarray]:
        """Give placed images, the same for all folds, and the rows that a fold trains on."""
        train = self.datasets[fold].train
        if self._pool is None:
            return self._place("train", train), np.arange(len(train))
        return self._place("pool", self._pool), _rows(train)

    def part(self, fold: int, name: str) -> Placed:
        """Give the "validation" or the "test" split of a fold."""
        split = getattr(self.datasets[fold], name)
        if self._pool is None:
            return self._place(name, split)
        return SelectedRows(self._place("pool", self._pool), _rows(split))

    def _place(self, name: str, split: Split) -> Placed:
        if name not in self._placed:
            settings = self._settings
            self._placed[name] = place(split, self._mesh, settings.residency, settings.device_share)
        return self._placed[name]


def _rows(split: Split) -> np.ndarray:
    assert isinstance(split.images, SelectedImages)  # as `load_folds` makes them
    return split.images.rows
