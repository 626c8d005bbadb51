"""Blocks of JPEG in a picture."""

from __future__ import annotations

import jax

from lqjax.auditing.blockiness import blockiness as compare
from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.samples import Samples


@image_measure("blockiness", "1", "jumps at the borders of JPEG's blocks against jumps inside")
def blockiness(samples: Samples) -> jax.Array:
    """Compare the jumps in the window; see `lqjax.auditing.blockiness`."""
    return compare(samples.window, samples.window_extent)
