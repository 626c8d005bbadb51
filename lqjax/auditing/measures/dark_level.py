"""How bright the bright parts of a picture are."""

from __future__ import annotations

import jax

from lqjax.auditing.measures.base import image_measure
from lqjax.auditing.quantiles import counted_quantile
from lqjax.auditing.samples import Samples

SHARE = 0.99
"""Source: cleanvision, brightness_perc_99, by which it finds dark pictures."""


@image_measure("dark_level", "1", "brightness that 99 % of the pixels do not exceed")
def dark_level(samples: Samples) -> jax.Array:
    """Give the 99th percentile of brightness, 0 to 1."""
    return counted_quantile(samples.brightness, SHARE)
