"""Tiny ImageNet-C: the corruptions at 64 px."""

from __future__ import annotations

from lqjax.degradations.suites import cifar10_c
from lqjax.degradations.suites.hendrycks import REVISION, hendrycks_suite, scaled
from lqjax.imaging.suites import SUITES

FOG_SIDE = 64  # px, of the fog's map
ELASTIC = 64  # px; the factors' length
SHRUNK = 0.3  # of the size of the frost's photographs

TABLE = {
    **cifar10_c.TABLE,
    "gaussian_noise": ((0.04,), (0.08,), (0.12,), (0.15,), (0.18,)),
    "shot_noise": ((250,), (100,), (50,), (30,), (15,)),
    "impulse_noise": ((0.01,), (0.02,), (0.05,), (0.08,), (0.14,)),
    "defocus_blur": ((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
    "glass_blur": ((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
    "motion_blur": ((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
    "snow": (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    ),
    "frost": (
        (1, 0.3, SHRUNK),
        (0.9, 0.4, SHRUNK),
        (0.8, 0.45, SHRUNK),
        (0.75, 0.5, SHRUNK),
        (0.7, 0.55, SHRUNK),
    ),
    "fog": (
        (0.4, 3, FOG_SIDE),
        (0.7, 3, FOG_SIDE),
        (1, 2.5, FOG_SIDE),
        (1.5, 2, FOG_SIDE),
        (2, 1.75, FOG_SIDE),
    ),
    "brightness": ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,)),
    "contrast": ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,)),
    "elastic_transform": scaled(
        (
            (0, 0, 0.08),
            (0.05, 0.3, 0.06),
            (0.1, 0.08, 0.06),
            (0.1, 0.03, 0.03),
            (0.16, 0.03, 0.02),
        ),
        ELASTIC,
    ),
    "pixelate": ((0.9,), (0.8,), (0.7,), (0.6,), (0.5,)),
    "jpeg_compression": ((65,), (58,), (50,), (40,), (25,)),
    "speckle_noise": ((0.15,), (0.2,), (0.25,), (0.3,), (0.35,)),
    "gaussian_blur": ((0.5,), (0.75,), (1,), (1.25,), (1.5,)),
    "spatter": (
        (0.62, 0.1, 0.7, 0.7, 0.6, 0),
        (0.65, 0.1, 0.8, 0.7, 0.6, 0),
        (0.65, 0.3, 1, 0.69, 0.6, 0),
        (0.65, 0.1, 0.7, 0.68, 0.6, 1),
        (0.65, 0.1, 0.5, 0.67, 0.6, 1),
    ),
    "saturate": ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
}

SUITES.add(
    "tiny_imagenet_c",
    hendrycks_suite("tiny_imagenet_c", TABLE, f"{REVISION}/make_tinyimagenet_c.py"),
)
