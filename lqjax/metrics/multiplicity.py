"""P-values of many conditions, adjusted for their number."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Adjust p-values so that the chance of any false finding stays below the level used.

    Holds however the tests depend on one another.

    Raises:
      ValueError: a p-value that is not in [0, 1].

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    p_values = _checked(p_values)
    order = np.argsort(p_values, kind="stable")
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    return _put_back(np.minimum(np.maximum.accumulate(scaled), 1), order)


def benjamini_hochberg(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Adjust p-values so that the expected share of false findings stays below the level used.

    Holds for independent tests and for those that depend positively, as conditions on the same
    images do.

    Raises:
      ValueError: a p-value that is not in [0, 1].

    Source: Benjamini and Hochberg 1995, "Controlling the false discovery rate"; Benjamini and
    Yekutieli 2001 for positive dependence.
    """
    p_values = _checked(p_values)
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    scaled = p_values[order] * (count / np.arange(1, count + 1))
    return _put_back(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _checked(p_values: np.ndarray) -> np.ndarray:
    p_values = np.asarray(p_values, np.float64)
    if p_values.ndim != 1:
        raise ValueError(f"p-values of shape {p_values.shape}; expected one axis")
    fits = (p_values >= 0) & (p_values <= 1)  # false for NaN
    if not fits.all():
        first = int(np.argmin(fits))
        raise ValueError(
            f"p-value {first} is {p_values[first]}; allowed: 0 to 1. Leave out tests that were not"
            " made"
        )
    return p_values


def _put_back(ordered: np.ndarray, order: np.ndarray) -> np.ndarray:
    found = np.empty_like(ordered)
    found[order] = ordered
    return found
