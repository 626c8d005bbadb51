"""Contrast of a picture."""

from __future__ import annotations

import jax

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.quantiles import counted_quantile
from lqjax.auditing.samples import Samples

LOW, HIGH = 0.05, 0.95


@image_measure("contrast", "1", "range of luma that holds the middle 90 % of the pixels")
def contrast(samples: Samples) -> jax.Array:
    """Subtract the 5th percentile of luma from the 95th, 0 to 1."""
    return counted_quantile(samples.levels, HIGH) - counted_quantile(samples.levels, LOW)
