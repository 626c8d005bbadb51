"""Blur of a picture as the network sees it."""

from __future__ import annotations

import jax

from lqjax.auditing.blur import blur_sigma as estimate
from lqjax.auditing.measures.base import few_at_a_time, image_measure
from lqjax.auditing.samples import Samples, full_extent


@image_measure("input_blur_sigma", "px", "blur of the edges at the network's input")
def input_blur_sigma(samples: Samples) -> jax.Array:
    """Estimate the blur in what the network sees; see `lqjax.auditing.blur`."""
    return few_at_a_time(estimate, samples.seen, full_extent(samples.seen))
