"""ImageNet-C at 224 px: 15 corruptions and 4 extra ones at five severities."""

from __future__ import annotations

from lqjax.degradations.suites.hendrycks import REVISION, hendrycks_suite, scaled
from lqjax.imaging.suites import SUITES

FOG_SIDE = 256  # px, of the fog's map
ELASTIC = 244  # px; the factors' length, as published (the source says 224 was meant)
FULL_SIZE = 1  # of the frost's photographs

TABLE = {
    "gaussian_noise": ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,)),
    "shot_noise": ((60,), (25,), (12,), (5,), (3,)),
    "impulse_noise": ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,)),
    "defocus_blur": ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    "glass_blur": ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
    # np.arange(1, stop, step) with stops 1.11 1.16 1.21 1.26 1.31 and steps in percent.
    "zoom_blur": ((12, 1), (16, 1), (11, 2), (13, 2), (11, 3)),
    "snow": (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    "frost": (
        (1, 0.4, FULL_SIZE),
        (0.8, 0.6, FULL_SIZE),
        (0.7, 0.7, FULL_SIZE),
        (0.65, 0.7, FULL_SIZE),
        (0.6, 0.75, FULL_SIZE),
    ),
    "fog": (
        (1.5, 2, FOG_SIDE),
        (2, 2, FOG_SIDE),
        (2.5, 1.7, FOG_SIDE),
        (2.5, 1.5, FOG_SIDE),
        (3, 1.4, FOG_SIDE),
    ),
    "brightness": ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)),
    "contrast": ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,)),
    "elastic_transform": scaled(
        (
            (2, 0.7, 0.1),
            (2, 0.08, 0.2),
            (0.05, 0.01, 0.02),
            (0.07, 0.01, 0.02),
            (0.12, 0.01, 0.02),
        ),
        ELASTIC,
    ),
    "pixelate": ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,)),
    "jpeg_compression": ((25,), (18,), (15,), (10,), (7,)),
    "speckle_noise": ((0.15,), (0.2,), (0.35,), (0.45,), (0.6,)),
    "gaussian_blur": ((1,), (2,), (3,), (4,), (6,)),
    "spatter": (
        (0.65, 0.3, 4, 0.69, 0.6, 0),
        (0.65, 0.3, 3, 0.68, 0.6, 0),
        (0.65, 0.3, 2, 0.68, 0.5, 0),
        (0.65, 0.3, 1, 0.65, 1.5, 1),
        (0.67, 0.4, 1, 0.65, 1.5, 1),
    ),
    "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
}

SUITES.add(
    "imagenet_c",
    hendrycks_suite("imagenet_c", TABLE, f"{REVISION}/make_imagenet_c.py (1903.12261)"),
)
