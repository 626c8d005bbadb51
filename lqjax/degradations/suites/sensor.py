"""What goes wrong between the scene and the file: too few pixels, too little light, too much."""

from __future__ import annotations

import math
from functools import partial

from lqjax.imaging.suites import SUITES, Part, Rest, Suite, SuiteEntry, spread

LEVELS = ("1", "2", "3", "4", "5")

READ_NOISE = 3.0
"""Electrons rms; common for a CMOS sensor."""

FULL_EXPOSURE = 1000.0
"""Detected photons at white, in `low_light`; a small pixel at a high setting."""

BETWEEN = Rest(0)
"""A parameter that is 0 where nothing happens."""


_levels = partial(spread, LEVELS)

ENTRIES = (
    SuiteEntry(
        name="low_resolution",
        operation="low_resolution",
        levels=_levels(side=(160, 96, 56, 32, 16)),  # px, of an image of 224
        label="Low resolution",
        severity="{side:g} px",
        no_path="a side is a whole number of pixels; write low_resolution(side=...) for others",
    ),
    SuiteEntry(
        name="salt_and_pepper",
        operation="salt_and_pepper",
        levels=_levels(amount=(0.002, 0.006, 0.018, 0.055, 0.17)),  # share of the pixels
        label="Salt and pepper",
        severity="{amount:.3g} of the pixels",
        path={"amount": BETWEEN},
    ),
    SuiteEntry(
        name="shot_and_read_noise",
        operation="shot_and_read_noise",
        levels=_levels(photons=(650, 270, 105, 42, 16), read_noise=(READ_NOISE,)),
        label="Shot and read noise",
        severity="{photons:g} photons at white, read noise {read_noise:g} electrons",
        path={"photons": Rest(math.inf, reciprocal=True), "read_noise": Rest(READ_NOISE)},
    ),
    SuiteEntry(
        name="low_light",
        operation="low_light",
        # One stop a level: 1/2 to 1/32 of the light.
        levels=_levels(
            exposure=(0.5, 0.25, 0.125, 0.0625, 0.03125),
            photons=(FULL_EXPOSURE,),
            read_noise=(READ_NOISE,),
        ),
        label="Low light",
        severity="{exposure:.3g} of the light",
        path={
            "exposure": Rest(1),
            "photons": Rest(math.inf, reciprocal=True),
            "read_noise": Rest(READ_NOISE),
        },
    ),
    SuiteEntry(
        name="over_exposure",
        operation="over_exposure",
        levels=_levels(stops=(0.15, 0.26, 0.47, 0.87, 2)),  # EV
        label="Over-exposure",
        severity="{stops:g} EV",
        path={"stops": BETWEEN},
    ),
    SuiteEntry(
        name="gamma",
        operation="gamma",
        levels=_levels(exponent=(1.1, 1.19, 1.36, 1.75, 2.75)),
        label="Gamma",
        severity="exponent {exponent:g}",
        path={"exponent": Rest(1)},
    ),
    SuiteEntry(
        name="low_contrast",
        operation="low_contrast",
        levels=_levels(factor=(0.92, 0.86, 0.75, 0.55, 0.2)),
        label="Low contrast",
        severity="factor {factor:g}",
        path={"factor": Rest(1)},
    ),
    SuiteEntry(
        name="chain",
        operation="gaussian_blur_replicate",
        levels=_levels(sigma=(0.4, 0.8, 1.2, 1.6, 2.4)),  # px
        label="Blur, noise and JPEG",
        severity="blur {sigma:g} px",
        no_path="it is a chain that ends in JPEG, whose quality is whole",
        then=(
            Part("gaussian_noise", _levels(sigma=(0.02, 0.04, 0.1, 0.2, 0.45))),
            Part("jpeg", _levels(quality=(90, 70, 50, 30, 15))),
        ),
    ),
)

SUITES.add(
    "sensor",
    Suite(
        name="sensor",
        levels=LEVELS,
        entries=ENTRIES,
        source=(
            "Ours. Levels are set so that the PSNR of a portrait (scikit-image's astronaut) at"
            " 224 px falls evenly, about 32, 27, 22, 17 and 12 dB. Two entries differ:"
            " low_resolution reaches 16 dB at 16 px, and low_light takes one stop a level (16 to"
            " 7 dB), since PSNR counts darkness itself. Cut down to 8 bits, as the files are that"
            " cameras write; each part of the chain is"
        ),
        quantize=True,
    ),
)
