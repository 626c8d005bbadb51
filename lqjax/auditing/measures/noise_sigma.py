"""Noise of a picture at its own size."""

from __future__ import annotations

import jax

from lqjax.auditing.measures.base import few_at_a_time, image_measure
from lqjax.auditing.noise import noise_sigma as estimate
from lqjax.auditing.samples import Samples


@image_measure("noise_sigma", "1", "noise at the picture's own size, of the range of luma")
def noise_sigma(samples: Samples) -> jax.Array:
    """Estimate the noise in the window; see `lqjax.auditing.noise`."""
    return few_at_a_time(estimate, samples.window, samples.window_extent)
