"""The reliability diagram: how often answers of a given confidence are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from lqjax.metrics.binning import BINS, bin_index, equal_mass_edges, equal_width_edges
from lqjax.metrics.checks import check_confidences


class ReliabilityDiagram(NamedTuple):
    """Confidence and accuracy by bin of confidence; a calibrated network has both equal.

    Attributes:
      edges: ends of the bins, one more than bins; bins are closed on the right.
      counts: examples in each bin.
      confidence: mean confidence in each bin, in [0, 1]; NaN in an empty one.
      accuracy: share of right answers in each bin, in [0, 1]; NaN in an empty one.
    """

    edges: Float[np.ndarray, " edges"]
    counts: Int[np.ndarray, " bins"]
    confidence: Float[np.ndarray, " bins"]
    accuracy: Float[np.ndarray, " bins"]


def reliability_diagram(
    confidences: Float[np.ndarray, " examples"],
    correct: Bool[np.ndarray, " examples"],
    bins: int = BINS,
) -> ReliabilityDiagram:
    """Sort answers into bins of equal width over [0, 1].

    Args:
      confidences: probability of each example's predicted class.
      correct: whether the prediction is the true class.
      bins: 1 or more.

    Raises:
      ValueError: no examples, shapes that differ, confidences outside [0, 1], no bins.

    Source: Guo et al. 2017, "On calibration of modern neural networks".
    """
    check_confidences(confidences, correct)
    return _diagram(confidences, correct, equal_width_edges(bins))


def adaptive_reliability_diagram(
    confidences: Float[np.ndarray, " examples"],
    correct: Bool[np.ndarray, " examples"],
    bins: int = BINS,
) -> ReliabilityDiagram:
    """Sort answers into bins that hold equally many; see `reliability_diagram`."""
    check_confidences(confidences, correct)
    return _diagram(confidences, correct, equal_mass_edges(confidences, bins))


def pooled_diagram(diagrams: Sequence[ReliabilityDiagram]) -> ReliabilityDiagram:
    """Put the answers of several diagrams of equal bins into one.

    Raises:
      ValueError: no diagrams, or bins that differ.
    """
    if not diagrams:
        raise ValueError("no diagrams; pooling needs at least one")
    edges = diagrams[0].edges
    if not all(np.array_equal(edges, diagram.edges) for diagram in diagrams):
        raise ValueError("diagrams of different bins cannot be pooled; use bins of equal width")
    counts = np.sum([diagram.counts for diagram in diagrams], axis=0)

    def means(name: str) -> np.ndarray:
        sums = np.sum([np.nan_to_num(getattr(d, name)) * d.counts for d in diagrams], axis=0)
        return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)

    return ReliabilityDiagram(edges, counts, means("confidence"), means("accuracy"))


def _diagram(confidences: np.ndarray, correct: np.ndarray, edges: np.ndarray) -> ReliabilityDiagram:
    bins = len(edges) - 1
    index = bin_index(confidences, edges)
    counts = np.bincount(index, minlength=bins)

    def means(values: np.ndarray) -> np.ndarray:
        sums = np.bincount(index, weights=values, minlength=bins)
        return np.divide(sums, counts, out=np.full(bins, np.nan), where=counts > 0)

    return ReliabilityDiagram(edges, counts, means(confidences), means(correct))
