"""A ratio that is not given where its denominator says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LEAST_DROP = 0.01
"""One percentage point of error: the least a reference must lose for a ratio to its loss.

Below that, one more point lost by the model moves the ratio by more than 100 %, and on the test
sets this package is made for (hundreds to thousands of images) the sign itself is noise.
"""


def safe_ratio(
    numerator: ArrayLike, denominator: ArrayLike, least: float = LEAST_DROP
) -> np.ndarray:
    """Divide element by element; NaN where the denominator is below `least`.

    Args:
      numerator, denominator: of shapes that broadcast.
      least: greater than 0, so that negative denominators never turn the sign.

    Raises:
      ValueError: `least` is not greater than 0.

    >>> safe_ratio([0.02, 0.02], [0.04, -0.005]).tolist()
    [0.5, nan]
    """
    if not least > 0:
        raise ValueError(f"least={least} is not possible; allowed: a number greater than 0")
    above, below = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below >= least)


def why_no_ratio(denominator: float, least: float = LEAST_DROP) -> str:
    """Say in one line why there is no ratio to this denominator; empty where there is one."""
    if denominator >= least:
        return ""
    if denominator <= 0:
        return f"the reference does not get worse ({100 * denominator:+.2f} points)"
    return (
        f"the reference gets worse by {100 * denominator:.2f} points only; a ratio needs"
        f" {100 * least:g}"
    )
