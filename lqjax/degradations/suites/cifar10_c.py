"""CIFAR-10-C: the corruptions at 32 px, milder."""

from __future__ import annotations

from lqjax.degradations.suites.hendrycks import REVISION, hendrycks_suite, scaled
from lqjax.imaging.suites import SUITES

FOG_SIDE = 32  # px, of the fog's map
ELASTIC = 32  # px; the factors' length
SHRUNK = 0.2  # of the size of the frost's photographs

TABLE = {
    "gaussian_noise": ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,)),
    "shot_noise": ((500,), (250,), (100,), (75,), (50,)),
    "impulse_noise": ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,)),
    "defocus_blur": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    "glass_blur": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    "motion_blur": ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    # np.arange(1, stop, 0.01) with stops 1.06 1.11 1.16 1.21 1.26; steps in percent.
    "zoom_blur": ((7, 1), (12, 1), (16, 1), (21, 1), (26, 1)),
    "snow": (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    "frost": (
        (1, 0.2, SHRUNK),
        (1, 0.3, SHRUNK),
        (0.9, 0.4, SHRUNK),
        (0.85, 0.4, SHRUNK),
        (0.75, 0.45, SHRUNK),
    ),
    "fog": (
        (0.2, 3, FOG_SIDE),
        (0.5, 3, FOG_SIDE),
        (0.75, 2.5, FOG_SIDE),
        (1, 2, FOG_SIDE),
        (1.5, 1.75, FOG_SIDE),
    ),
    "brightness": ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,)),
    "contrast": ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,)),
    "elastic_transform": scaled(
        (
            (0, 0, 0.08),
            (0.05, 0.2, 0.07),
            (0.08, 0.06, 0.06),
            (0.1, 0.04, 0.05),
            (0.1, 0.03, 0.03),
        ),
        ELASTIC,
    ),
    "pixelate": ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,)),
    "jpeg_compression": ((80,), (65,), (58,), (50,), (40,)),
    "speckle_noise": ((0.06,), (0.1,), (0.12,), (0.16,), (0.2,)),
    "gaussian_blur": ((0.4,), (0.6,), (0.7,), (0.8,), (1,)),
    "spatter": (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
    "saturate": ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
}

SUITES.add(
    "cifar10_c", hendrycks_suite("cifar10_c", TABLE, f"{REVISION}/make_cifar_c.py (1903.12261)")
)
