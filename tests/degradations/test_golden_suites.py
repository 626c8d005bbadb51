"""Conditions, from their text to 8-bit images, against outputs of the original code."""

import numpy as np
import pytest

from lqjax.imaging.degrade import degrade
from tests.golden import golden_image, golden_output

EXACT = ("pixelate", "jpeg_compression")
DETERMINISTIC = (
    "defocus_blur",
    "zoom_blur",
    "gaussian_blur",
    "brightness",
    "contrast",
    "saturate",
    *EXACT,
)
LEAST_EQUAL = 0.85
"""Share of equal values. The original's own rounding noise decides the others: run in float32, it
differs from itself in up to 14 % of the values (saturate at severity 3)."""


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", DETERMINISTIC)
@pytest.mark.parametrize("suite", ["cifar10_c", "imagenet_c"])
def test_equals_the_published_code(suite, name, severity):
    published = golden_output(suite, name, severity).astype(int)
    found = degrade(golden_image(suite), f"{suite}/{name}@{severity}").astype(int)
    difference = np.abs(found - published)
    assert difference.max() <= (0 if name in EXACT else 1)
    assert (difference == 0).mean() >= LEAST_EQUAL
