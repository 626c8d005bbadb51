"""Photon shot noise and read noise of a sensor, in linear light."""

from __future__ import annotations

import math

import jax.numpy as jnp

from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.sensor import MOST_READ_NOISE, Draws, read_out, sensor_draws
from lqjax.typing import Images, Scalar


@operation(
    "shot_and_read_noise",
    "degradation",
    Parameter(
        "photons",
        "1",
        1,
        math.inf,
        identity=math.inf,
        meaning="mean number of detected photons at white",
        examples=(1000, 30),
    ),
    Parameter(
        "read_noise",
        "electron",
        0,
        MOST_READ_NOISE,
        default=0,
        meaning="standard deviation of reading a value",
        examples=(2, 10),
    ),
    draw=sensor_draws,
    source="lqjax: Poisson counts plus normal read noise in linear light (sRGB, IEC 61966-2-1)",
)
def shot_and_read_noise(
    images: Images, draws: Draws, *, photons: Scalar, read_noise: Scalar
) -> Images:
    """Decode to linear light, count photons, add read noise, clip and encode again.

    Works on linear light: the noise of a bright area grows with the root of its light, and read
    noise shows in the dark. `shot_noise` is the published one, which takes code values for light.
    White is where the sensor clips, and the input counts as free of noise. Noise below black is
    clipped too, which brightens black a little, as in a camera that clips after taking its
    pedestal off.

    Not modelled: dark current, fixed patterns, the steps of the converter, and what a camera does
    between the sensor and sRGB (a colour mosaic, white balance, denoising, a tone curve). Noise is
    therefore independent from value to value, and a camera's is not quite.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: from `lqjax.imaging.sensor.sensor_draws`.
      photons: detected photons, that is electrons, of a value at white; infinity leaves the
        images as they are.
      read_noise: electrons rms.
    """
    measured = read_out(to_linear(images), draws, photons=photons, read_noise=read_noise)
    return jnp.where(jnp.isinf(photons), images, from_linear(measured))
