"""What was measured of the pictures of a data set, one value a picture and measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

SPLITS = TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class AuditTable:
    """Pictures in rows, measures in columns.

    Attributes:
      dataset: name of the data set.
      class_names: one per class, in label order.
      ids: unique texts, (pictures,).
      names: what people call them (paths), (pictures,).
      splits: "train", "validation" or "test", or names of folds, (pictures,).
      labels: class indices, int64, (pictures,).
      measures: name of the measure -> float64, (pictures,); NaN where it has no meaning, such as
        the JPEG quality of a PNG file.
      contents: digest of the bytes of the file or record, 32 hexadecimal digits, (pictures,).
      pixels: digest of the decoded pixels at their own size, 32 hexadecimal digits, (pictures,).
      hashes: perceptual hashes, uint64, (pictures,); pictures that look alike differ in few bits.
      skipped: (name, reason) of every picture that could not be read.
    """

    dataset: str
    class_names: tuple[str, ...]
    ids: np.ndarray
    names: Sequence[str]
    splits: np.ndarray
    labels: np.ndarray
    measures: Mapping[str, np.ndarray]
    contents: np.ndarray
    pixels: np.ndarray
    hashes: np.ndarray
    skipped: tuple[tuple[str, str], ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def by_fold(self) -> bool:
        """Tell whether the splits are folds: each is tested in its turn, and trained on else."""
        return bool(len(self)) and not np.isin(self.splits, SPLITS).any()

    @property
    def trained(self) -> Bool[np.ndarray, " pictures"]:
        """Tell which pictures are trained on."""
        return np.ones(len(self), bool) if self.by_fold else self.splits == TRAIN
