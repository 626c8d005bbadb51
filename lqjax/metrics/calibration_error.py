"""Expected calibration error, over bins of equal width and of equal mass."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from lqjax.metrics.binning import BINS
from lqjax.metrics.reliability import (
    ReliabilityDiagram,
    adaptive_reliability_diagram,
    reliability_diagram,
)


def calibration_error(diagram: ReliabilityDiagram) -> float:
    """Return the mean over examples of their bin's |accuracy - confidence|, in [0, 1]."""
    filled = diagram.counts > 0
    gaps = np.abs(diagram.accuracy[filled] - diagram.confidence[filled])
    return float(gaps @ diagram.counts[filled] / diagram.counts.sum())


def expected_calibration_error(
    confidences: Float[np.ndarray, " examples"],
    correct: Bool[np.ndarray, " examples"],
    bins: int = BINS,
) -> float:
    """Return the calibration error of the predicted class over bins of equal width (ECE).

    Bins are closed on the right; empty ones count nothing. See `reliability_diagram`.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning";
    with 15 bins Guo et al. 2017, "On calibration of modern neural networks".

    >>> expected_calibration_error(np.array([0.75, 0.75]), np.array([True, False]))
    0.25
    """
    return calibration_error(reliability_diagram(confidences, correct, bins))


def adaptive_calibration_error(
    confidences: Float[np.ndarray, " examples"],
    correct: Bool[np.ndarray, " examples"],
    bins: int = BINS,
) -> float:
    """Return the calibration error of the predicted class over bins of equal mass.

    This is AdaECE: the predicted class only, as for ECE. It is not the ACE of Nixon et al. 2019,
    which averages over all classes. Equal confidences share a bin (see `equal_mass_edges`).

    Source: Mukhoti et al. 2020, "Calibrating deep neural networks using focal loss".
    """
    return calibration_error(adaptive_reliability_diagram(confidences, correct, bins))
