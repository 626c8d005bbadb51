"""A picture taken with too little light."""

from __future__ import annotations

import math

import jax.numpy as jnp

from lqjax.imaging.light import from_linear, to_linear
from lqjax.imaging.operations import Parameter, operation
from lqjax.imaging.sensor import MOST_READ_NOISE, Draws, read_out, sensor_draws
from lqjax.typing import Images, Scalar

LEAST_EXPOSURE = 1e-4
"""Share of the light; about 13 stops below a full exposure."""


@operation(
    "low_light",
    "degradation",
    Parameter(
        "exposure",
        "1",
        LEAST_EXPOSURE,
        1,
        meaning="share of the light that remains",
        examples=(0.5, 0.05),
    ),
    Parameter(
        "photons",
        "1",
        1,
        math.inf,
        default=1000,
        meaning="mean number of detected photons at white of a full exposure",
        examples=(1000, 100),
    ),
    Parameter(
        "read_noise",
        "electron",
        0,
        MOST_READ_NOISE,
        default=2,
        meaning="standard deviation of reading a value",
        examples=(2, 5),
    ),
    Parameter(
        "gain_back",
        "1",
        0,
        1,
        default=0,
        choices=("no", "yes"),
        meaning="whether the camera's gain brings the brightness back",
    ),
    draw=sensor_draws,
    source="lqjax: less light, Poisson counts, normal read noise, all in linear light (sRGB)",
)
def low_light(
    images: Images,
    draws: Draws,
    *,
    exposure: Scalar,
    photons: Scalar,
    read_noise: Scalar,
    gain_back: Scalar,
) -> Images:
    """Take light away, count the photons that are left, read them, encode.

    Works on linear light, decoded by the transfer function of sRGB. Without gain the picture gets
    dark; with gain it stays as bright as before and gets noisy: it is then the same as
    `shot_and_read_noise` with `exposure * photons` photons. The read noise is that of one setting
    of the camera: in electrons, a real one falls when gain is turned up before readout.

    Not modelled: dark current, which long exposures add, the steps of the converter, and
    denoising by the camera. The input counts as free of noise.

    Args:
      images: float32 sRGB code values in [0, 1], (batch, height, width, channel).
      draws: from `lqjax.imaging.sensor.sensor_draws`.
      exposure: share of the light, from a shorter time or less illumination.
      photons: detected photons, that is electrons, of a value at white of a full exposure;
        infinity stands for no noise at all.
      read_noise: electrons rms.
      gain_back: 0 for none, 1 for gain of 1 / exposure.
    """
    photons = jnp.asarray(photons, jnp.float32)
    light = to_linear(images)
    noisy = read_out(light, draws, photons=exposure * photons, read_noise=read_noise)
    received = jnp.where(jnp.isinf(photons), light, noisy)
    gain = jnp.where(jnp.asarray(gain_back) == 1, 1.0, exposure).astype(jnp.float32)
    unchanged = jnp.isinf(photons) & (gain == 1)
    return jnp.where(unchanged, images, from_linear(received * gain))
