"""The nearest neighbours among the features."""

from __future__ import annotations

import numpy as np

from lqjax.imaging.operations import Parameter
from lqjax.readings.base import Subject, reading
from lqjax.readings.features import Head, Trained, fit_head, needs_two_classes
from lqjax.readings.scikit import needs_scikit_learn, with_scikit_learn
from lqjax.readings.scores import Scores, of_votes

TEMPERATURE = 0.07
"""A neighbour of cosine similarity s has exp(s / temperature) votes; the value of Wu et al."""


def has_the_neighbours(counts: np.ndarray, class_names: tuple[str, ...], *, neighbours: int) -> str:
    """Say why so many neighbours cannot vote; empty if they can. See `Reading.impossible`."""
    if neighbours > counts.sum():
        return (
            f"there are {counts.sum()} training images for neighbours={neighbours}; allowed: up to"
            f" {counts.sum()}"
        )
    return needs_two_classes(counts, class_names)


@reading(
    "knn",
    Parameter("neighbours", "1", 1, 1e9, default=20, integer=True, meaning="how many vote"),
    about="In the place of the last layer those clean training images vote, the nearer the more,"
    " whose features are nearest by the cosine: 20 where it says nothing else.",
    source="Wu et al. 2018, section 3.4, https://arxiv.org/abs/1805.01978; 20 neighbours: Caron"
    " et al. 2021, https://arxiv.org/abs/2104.14294",
    missing=needs_scikit_learn,
    impossible=has_the_neighbours,
    settled=with_scikit_learn,
)
def knn(subject: Subject, neighbours: int) -> Head:
    """Classify by the nearest training images, by the cosine of the features.

    A neighbour's votes are exp(cosine / 0.07). The logits are the logarithms of the shares of the
    votes, with one more that is split evenly, as if all neighbours had one. Weights of classes and
    examples are not looked at.

    Args:
      neighbours: how many vote.

    Raises:
      ValueError: more than there are training images.
    """

    def fit(trained: Trained) -> tuple[Scores, tuple[str, ...]]:
        from sklearn.neighbors import NearestNeighbors  # slow imports, needed here only
        from sklearn.preprocessing import normalize

        counts = np.bincount(trained.labels, minlength=trained.classes)
        if reason := has_the_neighbours(counts, subject.class_names, neighbours=neighbours):
            raise ValueError(f"evaluation.readings=knn is not possible: {reason}")
        # Of vectors of length 1 the distance orders as the cosine does.
        search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute")
        search.fit(normalize(trained.features))

        def scores(features: np.ndarray) -> np.ndarray:
            distances, nearest = search.kneighbors(normalize(features))
            votes = np.exp(-np.square(distances.astype(np.float64)) / (2 * TEMPERATURE))
            shares = votes / votes.sum(1, keepdims=True)
            by_class = np.zeros((len(features), trained.classes))
            for labels, share in zip(trained.labels[nearest].T, shares.T, strict=True):
                by_class[np.arange(len(features)), labels] += share
            return of_votes(by_class, neighbours)

        return scores, ()

    return fit_head("knn", subject, fit)
