"""How bright the dark parts of a picture are."""

from __future__ import annotations

import jax

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.quantiles import counted_quantile
from lqjax.auditing.samples import Samples

SHARE = 0.05
"""Source: cleanvision, brightness_perc_5, by which it finds light pictures."""


@image_measure("bright_level", "1", "brightness that 5 % of the pixels do not exceed")
def bright_level(samples: Samples) -> jax.Array:
    """Give the 5th percentile of brightness, 0 to 1."""
    return counted_quantile(samples.brightness, SHARE)
