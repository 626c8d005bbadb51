"""ImageNet-C at 299 px, for Inception's input size."""

from __future__ import annotations

from lqjax.degradations.suites import imagenet_c
from lqjax.degradations.suites.hendrycks import REVISION, hendrycks_suite, scaled
from lqjax.imaging.suites import SUITES

FOG_SIDE = 512  # px, of the fog's map
ELASTIC = 360  # px; the factors' length, as published

TABLE = {
    **imagenet_c.TABLE,
    "gaussian_noise": ((0.09,), (0.13,), (0.19,), (0.27,), (0.40,)),
    "shot_noise": ((50,), (20,), (10,), (5,), (3,)),
    "impulse_noise": ((0.04,), (0.07,), (0.10,), (0.18,), (0.28,)),
    "defocus_blur": ((4, 0.1), (5, 0.5), (7, 0.5), (10, 0.5), (12, 0.5)),
    "glass_blur": ((0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)),
    "motion_blur": ((12, 4), (17, 6), (17, 9), (17, 13), (22, 16)),
    "fog": (
        (1.5, 2, FOG_SIDE),
        (2, 2, FOG_SIDE),
        (2.5, 1.8, FOG_SIDE),
        (2.5, 1.6, FOG_SIDE),
        (3, 1.5, FOG_SIDE),
    ),
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
    "pixelate": ((0.5,), (0.4,), (0.3,), (0.25,), (0.2,)),
    "jpeg_compression": ((23,), (16,), (13,), (8,), (5,)),
    "speckle_noise": ((0.16,), (0.21,), (0.36,), (0.46,), (0.61,)),
    "gaussian_blur": ((1.5,), (2.5,), (3.5,), (4.5,), (6.5,)),
    "spatter": (
        (0.65, 0.3, 4, 0.69, 0.9, 0),
        (0.65, 0.3, 3.5, 0.68, 0.9, 0),
        (0.65, 0.3, 3, 0.68, 0.8, 0),
        (0.65, 0.3, 1.2, 0.65, 1.8, 1),
        (0.67, 0.4, 1.2, 0.65, 1.8, 1),
    ),
}

SUITES.add(
    "imagenet_c_299",
    hendrycks_suite("imagenet_c_299", TABLE, f"{REVISION}/make_imagenet_c_inception.py"),
)
