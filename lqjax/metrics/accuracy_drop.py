"""What a degradation costs one model, and how far two models lie apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lqjax.metrics.safe_ratio import LEAST_DROP, safe_ratio


def accuracy_drops(
    clean: Float[np.ndarray, "*resamples"], degraded: Float[np.ndarray, "*resamples conditions"]
) -> Float[np.ndarray, "*resamples conditions"]:
    """Return clean less degraded accuracy, a share in [-1, 1]; negative where accuracy rises."""
    return np.asarray(clean)[..., None] - np.asarray(degraded)


def relative_drops(
    clean: Float[np.ndarray, "*resamples"], degraded: Float[np.ndarray, "*resamples conditions"]
) -> Float[np.ndarray, "*resamples conditions"]:
    """Return the drop as a share of the clean accuracy: 1 where nothing is left of it.

    It is one less the relative robustness. NaN where the clean accuracy is below `LEAST_DROP`.
    A model at chance on clean images loses nothing: see `chance_corrected_robustness`.
    """
    return safe_ratio(accuracy_drops(clean, degraded), np.asarray(clean)[..., None], LEAST_DROP)


def accuracy_gaps(
    first: Float[np.ndarray, "*shape"], second: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return accuracy of `first` less accuracy of `second`, condition by condition.

    Args:
      first, second: accuracies under the same conditions, resampled alike where resampled.

    Raises:
      ValueError: two different shapes.
    """
    if np.shape(first) != np.shape(second):
        raise ValueError(
            f"accuracies of shapes {np.shape(first)} and {np.shape(second)} cannot be compared;"
            " test both models under the same conditions"
        )
    return np.asarray(first) - np.asarray(second)
