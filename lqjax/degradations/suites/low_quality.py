"""The grid of the study: four degradations at three severities."""

from __future__ import annotations

from lqjax.imaging.suites import SUITES, Suite, SuiteEntry

LEVELS = ("low", "medium", "high")

SUITES.add(
    "low_quality",
    Suite(
        name="low_quality",
        levels=LEVELS,
        entries=(
            SuiteEntry(
                name="gaussian_noise",
                operation="gaussian_noise",
                levels={
                    "low": {"sigma": 0.1},  # standard deviation for images in [0, 1]
                    "medium": {"sigma": 0.3},
                    "high": {"sigma": 0.5},
                },
                label="Gaussian noise",
                severity="sigma {sigma:g}",
                ladder="gaussian_noise(sigma=0.05..0.5*10)",
            ),
            SuiteEntry(
                name="gaussian_blur",
                operation="gaussian_blur",
                levels={
                    "low": {"kernel_size": 3, "sigma": 1},  # px, px
                    "medium": {"kernel_size": 9, "sigma": 3},
                    "high": {"kernel_size": 15, "sigma": 5},
                },
                label="Gaussian blur",
                severity="kernel {kernel_size:g} px, sigma {sigma:g} px",
                ladder="gaussian_blur(kernel_size=3..21,sigma=1..7*10)",
            ),
            SuiteEntry(
                name="motion_blur",
                operation="motion_blur_line",
                levels={
                    "low": {"length": 5},  # px of the network input; angle drawn per example
                    "medium": {"length": 15},
                    "high": {"length": 25},
                },
                label="Motion blur",
                severity="length {length:g} px",
                ladder="motion_blur_line(length=2.5..25*10)",
            ),
            SuiteEntry(
                name="jpeg",
                operation="jpeg",
                levels={
                    "low": {"quality": 70},  # libjpeg's scale, 1 to 100
                    "medium": {"quality": 40},
                    "high": {"quality": 10},
                },
                label="JPEG",
                severity="quality {quality:g}",
                ladder="jpeg(quality=100..10*10)",
            ),
        ),
        source=(
            "The grid of the AlexNet and ResNet-50 comparison for low-quality images that lqjax"
            " carries out; what it leaves open is ours: pixels of the network input, borders"
            " reflect-101, no rounding to 8 bits except in JPEG, motion blur as a centred line of"
            " drawn angle"
        ),
    ),
)
