"""The Brier score of class probabilities."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def brier_score(
    probabilities: Float[np.ndarray, "examples classes"], labels: Int[np.ndarray, " examples"]
) -> float:
    """Return the mean over examples of the squared error summed over classes, in [0, 2].

    Brier's own definition: sum over classes k of (p_k - [k is the true class])^2. Half of it, in
    [0, 1], is what is often stated for two classes (scikit-learn: `scale_by_half`).

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".

    >>> brier_score(np.array([[0.5, 0.5]]), np.array([0]))
    0.5
    """
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    squares = np.einsum("ij,ij->i", probabilities, probabilities)
    # Rounding must not make the other classes' sum of squares negative.
    others = np.maximum(squares - own**2, 0)
    return float((others + (1 - own) ** 2).mean())
