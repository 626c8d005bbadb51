"""Murphy's decomposition of the Brier score, with the terms within bins that make it exact."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from lqjax.metrics.binning import BINS, bin_index, equal_width_edges
from lqjax.metrics.checks import check_confidences


class BrierDecomposition(NamedTuple):
    """Parts of mean (forecast - outcome)^2 over N forecasts in bins b of n_b.

    Attributes:
      reliability: sum n_b / N (mean forecast_b - mean outcome_b)^2; 0 is calibrated.
      resolution: sum n_b / N (mean outcome_b - mean outcome)^2; larger tells more apart.
      uncertainty: mean outcome (1 - mean outcome), the same for every network of that outcome.
      variance_within: mean of (forecast - mean forecast_b)^2.
      covariance_within: twice the mean of (forecast - mean forecast_b) (outcome - mean outcome_b).
    """

    reliability: float
    resolution: float
    uncertainty: float
    variance_within: float
    covariance_within: float

    @property
    def total(self) -> float:
        """The Brier score itself, equal to mean (forecast - outcome)^2 but for rounding."""
        binned = self.reliability - self.resolution + self.uncertainty
        return binned + self.variance_within - self.covariance_within


def decompose_brier(
    forecasts: Float[np.ndarray, " examples"],
    outcomes: Bool[np.ndarray, " examples"],
    bins: int = BINS,
) -> BrierDecomposition:
    """Decompose the Brier score of yes-or-no forecasts over bins of equal width.

    With the confidence of the predicted class and whether it is right, these are the top-label
    parts: they add up to mean (confidence - correct)^2, not to `brier_score`.

    Reliability - resolution + uncertainty alone is the score of the bins' mean forecasts; the
    terms within bins make up the difference, and vanish where all forecasts of a bin are equal.

    Args:
      forecasts: probabilities in [0, 1].
      outcomes: whether it was so.
      bins: 1 or more; closed on the right.

    Raises:
      ValueError: no examples, shapes that differ, forecasts outside [0, 1], no bins.

    Source: Murphy 1973, "A new vector partition of the probability score"; terms within bins:
    Stephenson, Coelho and Jolliffe 2008, "Two extra components in the Brier score decomposition".
    """
    check_confidences(forecasts, outcomes)
    index = bin_index(forecasts, equal_width_edges(bins))
    count = np.bincount(index, minlength=bins)
    filled = np.maximum(count, 1)
    outcomes = outcomes.astype(np.float64)
    forecast_means = np.bincount(index, forecasts, minlength=bins) / filled
    outcome_means = np.bincount(index, outcomes, minlength=bins) / filled
    share, base = count / len(index), float(outcomes.mean())
    deviations = forecasts - forecast_means[index]
    return BrierDecomposition(
        reliability=float(share @ (forecast_means - outcome_means) ** 2),
        resolution=float(share @ (outcome_means - base) ** 2),
        uncertainty=base * (1 - base),
        variance_within=float((deviations**2).mean()),
        covariance_within=float(2 * (deviations * (outcomes - outcome_means[index])).mean()),
    )


def decompose_brier_over_classes(
    probabilities: Float[np.ndarray, "examples classes"],
    labels: Int[np.ndarray, " examples"],
    bins: int = BINS,
) -> BrierDecomposition:
    """Decompose each class against the rest and add the parts up; the total is `brier_score`."""
    parts = [decompose_brier(p, labels == k, bins) for k, p in enumerate(probabilities.T)]
    return BrierDecomposition(*(float(total) for total in np.sum(parts, axis=0)))
