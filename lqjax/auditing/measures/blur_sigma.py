"""Blur of a picture at its own size."""

from __future__ import annotations

import jax

from lqjax.auditing.blur import blur_sigma as estimate
from lqjax.auditing.measures.base import few_at_a_time, image_measure
from lqjax.auditing.samples import Samples


@image_measure("blur_sigma", "px", "blur of the edges at the picture's own size")
def blur_sigma(samples: Samples) -> jax.Array:
    """Estimate the blur in the window; see `lqjax.auditing.blur`."""
    return few_at_a_time(estimate, samples.window, samples.window_extent)
