"""What light, optics, air and dirt do to a picture, in physical parameters."""

from __future__ import annotations

from functools import partial

from lqjax.imaging.suites import SUITES, Rest, Suite, SuiteEntry, spread

LEVELS = ("1", "2", "3", "4", "5")

SPECK, SCRATCH = 4, 1.5  # px: diameter, width


_levels = partial(spread, LEVELS)

_DIRT = (1, 2, 4, 8, 16)
"""Specks per 10,000 px, and scratches per image."""

SUITES.add(
    "scene",
    Suite(
        name="scene",
        levels=LEVELS,
        entries=(
            SuiteEntry(
                name="uneven_illumination",
                operation="uneven_illumination",
                levels=_levels(depth=(0.18, 0.28, 0.43, 0.65, 0.92)),  # share of the light
                label="Uneven illumination",
                severity="depth {depth:g}",
                path={"depth": Rest(0)},
            ),
            SuiteEntry(
                name="vignetting",
                operation="vignetting",
                levels=_levels(strength=(0.22, 0.37, 0.57, 0.78, 0.94)),  # share of the light
                label="Vignetting",
                severity="strength {strength:g}",
                path={"strength": Rest(0)},
            ),
            SuiteEntry(
                name="bit_depth",
                operation="bit_depth",
                levels=_levels(bits=(6, 5, 4, 3, 2)),
                label="Bit depth",
                severity="{bits:g} bits",
                no_path="bits are whole",
            ),
            SuiteEntry(
                name="dust_and_scratches",
                operation="dust_and_scratches",
                levels=_levels(dust=_DIRT, scratches=_DIRT, size=(SPECK,), width=(SCRATCH,)),
                label="Dust and scratches",
                severity="{dust:g} specks per 10,000 px, {scratches:g} scratches",
                path={
                    "dust": Rest(0),
                    "scratches": Rest(0),
                    "size": Rest(SPECK),
                    "width": Rest(SCRATCH),
                },
            ),
            SuiteEntry(
                name="haze",
                operation="haze",
                levels=_levels(optical_depth=(0.01, 0.025, 0.07, 0.2, 0.6)),
                label="Haze",
                severity="optical depth {optical_depth:g}",
                path={"optical_depth": Rest(0)},
            ),
        ),
        source=(
            "Ours. Levels are chosen so that the PSNR of a picture of 224 px (scikit-image's"
            " astronaut) falls in nearly even steps: from 32 to 16 dB on average for uneven"
            " illumination, 32 to 12 for vignetting, 47 to 21 for bit depth, 32 to 19 for dust and"
            " scratches, 30 to 9 for haze. Only bit depth rounds to 8 bits"
        ),
    ),
)
