"""JPEG compression, the true codec."""

from __future__ import annotations

from lqjax.imaging.jpeg_codec import jpeg_round_trip
from lqjax.imaging.levels import from_levels, to_levels
from lqjax.imaging.operations import Parameter, operation
from lqjax.typing import Images, Scalar


@operation(
    "jpeg",
    "degradation",
    Parameter("quality", "1", 1, 100, integer=True, meaning="libjpeg's quality, 100 the best"),
    exact=True,
    source="libjpeg-turbo: baseline, 4:2:0, accurate integer DCT, triangle upsampling",
)
def jpeg(images: Images, draws: None, *, quality: Scalar) -> Images:
    """Compress and decompress; equal to Pillow bit for bit on 8-bit images.

    Values are first rounded to the nearest of 256 levels, which changes nothing in 8-bit images.
    One channel is coded as grey, three as 4:2:0 colour.

    Args:
      images: float32 in [0, 1], (batch, height, width, channel).
      draws: unused.
      quality: 1 to 100, as libjpeg counts.
    """
    return from_levels(jpeg_round_trip(to_levels(images), quality))
