"""The falling curve nearest to a series of accuracies."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def falling_fit(
    values: Float[np.ndarray, "*resamples levels"],
) -> Float[np.ndarray, "*resamples levels"]:
    """Return the series that never rises and is nearest in least squares (isotonic regression).

    More damage does not make images easier; where a measured accuracy rises all the same, it is
    noise of the test set, and its neighbours are averaged. What falls already stays as it is.

    The result is that of pool-adjacent-violators, written as min over starts of the max over ends
    of the mean between: all resamples at once, in work quadratic in the few levels.

    Args:
      values: from the mildest level to the strongest.

    Source: Robertson, Wright & Dykstra 1988, "Order restricted statistical inference", 1.4.
    """
    values = np.asarray(values, float)
    count = values.shape[-1]
    zero = np.zeros((*values.shape[:-1], 1))
    sums = np.concatenate([zero, np.cumsum(values, axis=-1)], axis=-1)
    fitted = np.full(values.shape, np.inf)
    for start in range(count):
        lengths = np.arange(1, count - start + 1)
        means = (sums[..., start + 1 :] - sums[..., start : start + 1]) / lengths
        # highest[..., j]: the largest mean of a run from `start` to the level start + j or later.
        highest = np.maximum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        fitted[..., start:] = np.minimum(fitted[..., start:], highest)
    return fitted
