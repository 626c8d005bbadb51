"""Area under the curve of accuracy against severity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lqjax.metrics.coordinate import LINEAR, to_coordinate


def severity_area(
    accuracies: Float[np.ndarray, "*resamples levels"],
    clean: Float[np.ndarray, "*resamples"] | None = None,
) -> Float[np.ndarray, "*resamples"]:
    """Return the mean height of the accuracy curve over the severities 1, 2, ... of a suite.

    Trapezoid over the severities, divided by their range, so that it lies in [0, 1]; the mildest
    and the strongest severity count half. The steps of a suite are taken as equal, which in their
    effect they are not: compare areas of one suite only.

    Args:
      accuracies: mildest severity first; with `clean` at least two points.
      clean: accuracy on undegraded images, to count as severity 0. Without it the curve begins at
        severity 1, as in the published code of ImageNet-C.

    Raises:
      ValueError: fewer than two points.

    Source: `auc` in github.com/hendrycks/robustness.
    """
    heights = np.asarray(accuracies, float)
    if clean is not None:
        heights = np.concatenate([np.asarray(clean, float)[..., None], heights], axis=-1)
    return ladder_area(np.arange(heights.shape[-1]), heights)


def ladder_area(
    levels: Sequence[float] | np.ndarray,
    accuracies: Float[np.ndarray, "*resamples levels"],
    coordinate: str = LINEAR,
) -> Float[np.ndarray, "*resamples"]:
    """Return the mean height of the accuracy curve over the levels of a physical parameter.

    Trapezoid over the levels, which need not be evenly spaced, divided by their range. Clean
    images count where the parameter has a value for them (a sigma of 0 px, linear) and that level
    is given with the others; a JPEG quality or a number of photons has none.

    Args:
      levels: of the parameter, rising or falling.
      accuracies: one by level.
      coordinate: "linear" or "log", in which the range is measured.

    Raises:
      ValueError: fewer than two levels, levels that turn back, or none above 0 under "log".
    """
    places = to_coordinate(levels, coordinate)
    heights = np.asarray(accuracies, float)
    if heights.shape[-1:] != places.shape:
        raise ValueError(f"{heights.shape[-1]} accuracies do not fit {places.size} levels")
    steps = np.diff(places)
    middles = (heights[..., 1:] + heights[..., :-1]) / 2
    return (middles * steps).sum(axis=-1) / steps.sum()
