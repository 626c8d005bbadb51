"""Whether the quality of a picture alone tells its class or its split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

SEED = 0
FOLDS = 5
PERMUTATIONS = 999
"""With the true labels a thousand: the least p-value is 0.001. Fewer with many groups."""

LEAST_PERMUTATIONS = 99
MOST_COLUMNS = 20_000
"""Groups times permutations from which on there are fewer permutations."""

MOST_PICTURES = 4_000
"""Drawn from larger data, so that the permutations take seconds."""

COLUMNS_AT_ONCE = 2_000
"""Columns of permuted labels held in memory together. The result does not depend on it."""

LEVELS = 8
"""Each measure is cut into so many equally full levels, so that curved relations count, too."""

PENALTY = 1.0
LEAST_IN_GROUP = 10
"""Pictures that a group needs: about two in each fold."""

LEVEL_OF_TEST = 0.05


@dataclass(frozen=True)
class Predictability:
    """How well groups are predicted from the measures of quality alone.

    Attributes:
      accuracy: balanced accuracy on pictures that the classifier did not see, in [0, 1].
      chance: balanced accuracy of guessing, 1 / groups.
      p_value: share of random relabellings that do as well; at least 1 / (permutations + 1).
      pictures: how many took part.
      groups: numbers of those that took part.
      measures: names of those that took part.
    """

    accuracy: float
    chance: float
    p_value: float
    pictures: int
    groups: tuple[int, ...]
    measures: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Tell whether the measures predict the groups better than chance."""
        return self.p_value < LEVEL_OF_TEST and self.accuracy > self.chance


def predictability(
    measures: Mapping[str, Float[np.ndarray, " pictures"]],
    groups: Int[np.ndarray, " pictures"],
    seed: int = SEED,
) -> Predictability | None:
    """Predict the group of each picture from its measures, in cross-validation.

    A ridge regression of the groups on the measures, each cut into `LEVELS` levels of equally
    many pictures and one for what was not measured; of the groups the one is chosen that exceeds
    its own share by the largest factor. The same is done for permuted groups, in the same folds.

    Args:
      measures: by name; NaN where there is none, which may tell the group, too.
      groups: number of the group of each picture. Groups of fewer than `LEAST_IN_GROUP`
        pictures do not take part.

    Returns:
      `None` where fewer than two groups or no varying measures are left.

    Source: Ojala and Garriga 2010, "Permutation tests for studying classifier performance"; Phipson
    and Smyth 2010 (the true labels count as one of the permutations).
    """
    rows = _drawn(groups, seed)
    features, names = levels({name: values[rows] for name, values in measures.items()})
    kept, numbers = np.unique(groups[rows], return_inverse=True)
    if len(kept) < 2 or not names:
        return None
    random = np.random.default_rng([seed, 1])
    folds = random.permutation(len(rows)) % FOLDS
    found = balanced_accuracies(features, numbers[None], len(kept), folds)[0]
    permutations = min(PERMUTATIONS, max(LEAST_PERMUTATIONS, MOST_COLUMNS // len(kept)))
    reached = 0
    for permuted in _permuted(numbers, len(kept), permutations, random):
        reached += int((balanced_accuracies(features, permuted, len(kept), folds) >= found).sum())
    p_value = (reached + 1) / (permutations + 1)
    return Predictability(
        float(found), 1 / len(kept), p_value, len(rows), tuple(kept.tolist()), names
    )


def balanced_accuracies(
    features: Float[np.ndarray, "pictures features"],
    labels: Int[np.ndarray, "labellings pictures"],
    count: int,
    folds: Int[np.ndarray, " pictures"],
) -> Float[np.ndarray, " labellings"]:
    """Return the cross-validated balanced accuracy for each of several labellings.

    Args:
      features: of the pictures.
      labels: numbers below `count`.
      folds: number of the fold of each picture, below `FOLDS`.
    """
    right = np.zeros(labels.shape, bool)
    for fold in range(FOLDS):
        held_out = folds == fold
        right[:, held_out] = _predicted(features, labels, count, held_out) == labels[:, held_out]
    recalls = np.full((len(labels), count), np.nan)
    for group in range(count):
        of_group = labels == group
        recalls[:, group] = (right & of_group).sum(axis=1) / of_group.sum(axis=1)
    return recalls.mean(axis=1)


def _predicted(
    features: np.ndarray, labels: np.ndarray, count: int, held_out: Bool[np.ndarray, " pictures"]
) -> Int[np.ndarray, "labellings held_out"]:
    """Predict what is held out from the rest, for all labellings with one factorisation."""
    seen = features[~held_out]
    middle = seen.mean(axis=0, keepdims=True)
    centred = seen - middle
    # (labellings, pictures, groups) -> (pictures, labellings x groups)
    chosen = labels[:, ~held_out, None] == np.arange(count)
    targets = chosen.transpose(1, 0, 2).reshape(len(seen), -1).astype(np.float64)
    shares = targets.mean(axis=0)
    gram = centred.T @ centred + PENALTY * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, centred.T @ targets)
    above = (features[held_out] - middle) @ weights
    # What a fold has not seen is never predicted.
    factors = np.where(shares > 0, above / np.maximum(shares, 1 / len(features)), -np.inf)
    return factors.reshape(len(above), len(labels), count).argmax(axis=2).T


def _permuted(
    numbers: np.ndarray, count: int, permutations: int, random: np.random.Generator
) -> Iterator[Int[np.ndarray, "labellings pictures"]]:
    """Yield permutations of the labels, some at a time."""
    some = max(1, COLUMNS_AT_ONCE // count)
    for start in range(0, permutations, some):
        block = np.tile(numbers, (min(some, permutations - start), 1))
        yield random.permuted(block, axis=1)


def _drawn(groups: np.ndarray, seed: int) -> np.ndarray:
    """Draw rows of large enough groups, in the proportions of the data but enough of each."""
    numbers, counts = np.unique(groups, return_counts=True)
    large = counts >= LEAST_IN_GROUP
    share = min(1.0, MOST_PICTURES / max(int(counts[large].sum()), 1))
    random = np.random.default_rng(seed)
    chosen = [
        random.permutation(np.flatnonzero(groups == number))[
            : max(LEAST_IN_GROUP, round(share * count))
        ]
        for number, count in zip(numbers[large], counts[large], strict=True)
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def levels(
    measures: Mapping[str, Float[np.ndarray, " pictures"]],
) -> tuple[Float[np.ndarray, "pictures columns"], tuple[str, ...]]:
    """Write each measure as zeros and ones, a column a level.

    Returns:
      The columns, and the names of the measures that vary; others are left out.
    """
    columns, names = [], []
    for name, values in measures.items():
        known = np.isfinite(values)
        inner = np.linspace(0, 1, LEVELS + 1)[1:-1]
        edges = np.unique(np.quantile(values[known], inner)) if known.any() else np.empty(0)
        level = np.where(known, np.searchsorted(edges, values, side="left") + 1, 0)
        found = np.unique(level)
        if len(found) > 1:
            columns.append(level[:, None] == found[None])
            names.append(name)
    features = np.concatenate(columns, axis=1) if columns else np.empty((0, 0))
    return features.astype(np.float64), tuple(names)
