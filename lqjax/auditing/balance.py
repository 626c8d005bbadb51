"""How many pictures each class has, by split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from scipy.stats import chi2_contingency

from lqjax.auditing.table import SPLITS, AuditTable


@dataclass(frozen=True)
class Balance:
    """Pictures by class and split.

    Attributes:
      splits: those that the data has, or its folds.
      counts: (classes, splits).
      trained: pictures of each class that are trained on, (classes,); of the first split where
        there are none.
      imbalance: pictures of the commonest class of training for each of the rarest; infinite where
        one has none.
      p_value: of equal class shares in all splits (chi-squared); `None` with one split or class.
      difference: largest difference of a class's share between two splits.
    """

    splits: tuple[str, ...]
    counts: Int[np.ndarray, "classes splits"]
    trained: Int[np.ndarray, " classes"]
    imbalance: float
    p_value: float | None
    difference: float


def class_balance(table: AuditTable) -> Balance:
    """Count the pictures of each class.

    Source of the test: Pearson 1900.
    """
    there = dict.fromkeys(table.splits.tolist())  # folds stand in their order
    splits = tuple(there if table.by_fold else (split for split in SPLITS if split in there))
    classes = len(table.class_names)
    counts = np.zeros((classes, len(splits)), np.int64)
    for column, split in enumerate(splits):
        of_split = table.labels[table.splits == split]
        counts[:, column] = np.bincount(of_split, minlength=classes)
    trained = counts[:, 0] if splits else np.zeros(classes, np.int64)
    if table.by_fold:
        trained = counts.sum(axis=1)
    rarest = int(trained.min()) if classes else 0
    imbalance = float(trained.max() / rarest) if rarest else float("inf")
    seen = counts[counts.sum(axis=1) > 0]
    tested = min(seen.shape) > 1
    p_value = float(chi2_contingency(seen).pvalue) if tested else None
    shares = counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)
    difference = float(np.ptp(shares, axis=1).max()) if shares.size else 0.0
    return Balance(splits, counts, trained, imbalance, p_value, difference)
