"""Corruption errors: a model's errors over those of a reference network, AlexNet."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from lqjax.metrics.error_table import ErrorTable
from lqjax.metrics.safe_ratio import LEAST_DROP, safe_ratio

__all__ = [
    "corruption_errors",
    "mean_corruption_error",
    "mean_unnormalised_error",
    "relative_corruption_errors",
    "relative_mean_corruption_error",
]


def corruption_errors(
    model: ErrorTable, reference: ErrorTable
) -> Float[np.ndarray, "*resamples corruptions"]:
    """Return CE by corruption: the sum of errors over severities, over that of the reference.

    Args:
      model: what is judged; may have more corruptions than the reference.
      reference: AlexNet on the same images (resampled alike, where the tables hold resamples), or
        `published_alexnet`. Its corruptions decide which CE are returned, in its order.

    Returns:
      1 where the model errs as often as the reference. NaN where the reference makes next to no
      errors (mean over severities below `LEAST_DROP`).

    Raises:
      ValueError: a corruption of the reference is missing, or the severities differ.

    Source: Hendrycks & Dietterich 2019, "Benchmarking neural network robustness to common
    corruptions and perturbations", section 4.
    """
    aligned = _aligned(model, reference)
    # Means over severities in place of sums: the ratio is the same, and shares stay shares.
    return safe_ratio(aligned.errors.mean(axis=-1), reference.errors.mean(axis=-1))


def mean_corruption_error(model: ErrorTable, reference: ErrorTable) -> Float[np.ndarray, "*shape"]:
    """Return mCE: the mean of CE over the reference's corruptions; 1 is the reference.

    It is the published mCE of ImageNet-C only where the reference is `published_alexnet` or an
    AlexNet on ImageNet-C, over its 15 corruptions. NaN where one of the CE is.
    """
    return corruption_errors(model, reference).mean(axis=-1)


def relative_corruption_errors(
    model: ErrorTable, reference: ErrorTable, least: float = LEAST_DROP
) -> Float[np.ndarray, "*resamples corruptions"]:
    """Return relative CE by corruption: error above the clean error, over that of the reference.

    A model can look good here by being bad on clean images: read it beside the clean errors.

    Args:
      model, reference: as in `corruption_errors`.
      least: mean rise of the reference's error over its clean error, in [0, 1], below which no
        ratio is given.

    Returns:
      1 where the model loses as much as the reference, negative where it gains; NaN where the
      reference's error does not rise by `least` (a denominator near zero gives any number, a
      negative one turns the sign). Show the absolute drops beside it.

    Raises:
      ValueError: a corruption of the reference is missing, or the severities differ.

    Source: Hendrycks & Dietterich 2019, section 4.
    """
    aligned = _aligned(model, reference)
    return safe_ratio(error_rises(aligned), error_rises(reference), least)


def relative_mean_corruption_error(
    model: ErrorTable, reference: ErrorTable, least: float = LEAST_DROP
) -> Float[np.ndarray, "*shape"]:
    """Return relative mCE: the mean of the relative CE; NaN where one of them is."""
    return relative_corruption_errors(model, reference, least).mean(axis=-1)


def mean_unnormalised_error(model: ErrorTable) -> Float[np.ndarray, "*shape"]:
    """Return the plain mean error over corruptions and severities, which is not mCE.

    Public code has printed this number under the name mCE; the two are not comparable.
    """
    return model.errors.mean(axis=(-2, -1))


def error_rises(table: ErrorTable) -> Float[np.ndarray, "*resamples corruptions"]:
    """Return by corruption the mean error over severities less the clean error."""
    return table.errors.mean(axis=-1) - table.clean[..., None]


def _aligned(model: ErrorTable, reference: ErrorTable) -> ErrorTable:
    """Bring the model's table into the order of the reference.

    Raises:
      ValueError: a corruption is missing, or the severities differ.
    """
    if model.severities != reference.severities:
        raise ValueError(
            f"severities {', '.join(model.severities)} cannot be normalised by a reference at"
            f" {', '.join(reference.severities)}; test both at the same severities"
        )
    return model.select(reference.corruptions)
