"""Noise of a picture as the network sees it."""

from __future__ import annotations

import jax

from lqjax.auditing.measures.base import few_at_a_time, image_measure
from lqjax.auditing.noise import noise_sigma as estimate
from lqjax.auditing.samples import Samples, full_extent


@image_measure("input_noise_sigma", "1", "noise at the network's input, of the range of luma")
def input_noise_sigma(samples: Samples) -> jax.Array:
    """Estimate the noise in what the network sees; see `lqjax.auditing.noise`."""
    return few_at_a_time(estimate, samples.seen, full_extent(samples.seen))
