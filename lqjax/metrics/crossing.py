"""Where a falling accuracy curve meets a limit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lqjax.metrics.isotonic import falling_fit

NEVER = np.inf
"""Place of a curve that stays above the limit on the whole ladder."""

ALREADY = -np.inf
"""Place of a curve that is below the limit at the mildest level."""

ROUNDING = 1e-9
"""Accuracies nearer than this are equal: 0.95 - 0.05 is less than 0.9 in binary."""


def crossing_places(
    places: Float[np.ndarray, " levels"],
    accuracies: Float[np.ndarray, "*resamples levels"],
    limits: Float[np.ndarray, "*resamples"] | float,
) -> Float[np.ndarray, "*resamples"]:
    """Return the place at which the falling fit of each curve first is no higher than its limit.

    Between two levels the fit is a straight line.

    Args:
      places: of the levels, rising with the damage, in the coordinate of the ladder.
      accuracies: from the mildest level to the strongest.
      limits: one, or one for every curve (5 points below that resample's clean accuracy).

    Returns:
      Places; `NEVER` and `ALREADY` where the curve meets its limit outside the ladder.
    """
    curves = falling_fit(accuracies)
    limits = np.broadcast_to(np.asarray(limits, float), curves.shape[:-1])
    below = curves <= limits[..., None] + ROUNDING
    first = below.argmax(axis=-1)
    after = np.maximum(first, 1)
    upper = np.take_along_axis(curves, after[..., None] - 1, axis=-1)[..., 0]
    lower = np.take_along_axis(curves, after[..., None], axis=-1)[..., 0]
    # Both accuracies are the same only where no crossing lies between them.
    share = np.divide(
        upper - limits, upper - lower, out=np.zeros_like(upper), where=upper > lower
    ).clip(0, 1)
    found = places[after - 1] + share * (places[after] - places[after - 1])
    at_start = np.where(np.abs(curves[..., 0] - limits) <= ROUNDING, places[0], ALREADY)
    return np.where(below.any(axis=-1), np.where(first > 0, found, at_start), NEVER)
