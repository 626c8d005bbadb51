"""Relative robustness that gives no credit to a model that guesses."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lqjax.metrics.safe_ratio import LEAST_DROP, safe_ratio

ALPHA = 200.0
"""Steepness of the correction: 0.1 above chance keeps 86 % of the robustness, 0.02 keeps 8 %."""


def chance_corrected_robustness(
    clean: Float[np.ndarray, "*resamples"],
    degraded: Float[np.ndarray, "*resamples conditions"],
    chance: float,
    alpha: float = ALPHA,
) -> Float[np.ndarray, "*resamples conditions"]:
    """Return degraded over clean accuracy, drawn to 0 where the clean accuracy is near chance.

    A model that guesses loses nothing to a degradation and would seem perfectly robust. With
    distance e = clean - chance, the ratio is multiplied by 1 - exp(-alpha e^2), and is 0 for a
    model at or below chance (the formula alone would credit one far below it).

    The weighted mean of these numbers over fifteen data sets is known as WAR. Its weights were
    fitted to those data sets and to zero-shot models; they are not used here, nor should they be
    for other data.

    Args:
      clean, degraded: accuracies in [0, 1].
      chance: accuracy of guessing, in [0, 1): 1 / classes, or the share of the commonest class.
      alpha: greater than 0.

    Raises:
      ValueError: chance or alpha out of range.

    Source: Pathak et al. 2025, "LR0.FM: low-resolution zero-shot classification benchmark for
    foundation models", equation 1.
    """
    if not 0 <= chance < 1:
        raise ValueError(f"chance={chance} is not possible; allowed: 0 <= chance < 1")
    if not alpha > 0:
        raise ValueError(f"alpha={alpha} is not possible; allowed: a number greater than 0")
    above = np.maximum(np.asarray(clean, float)[..., None] - chance, 0)
    credit = -np.expm1(-alpha * above**2)
    ratio = safe_ratio(degraded, np.asarray(clean, float)[..., None], LEAST_DROP)
    return np.where(above > 0, ratio * credit, 0.0)
