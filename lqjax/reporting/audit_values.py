"""The measures of an audit and their values, as people read them."""

from __future__ import annotations

import numpy as np

from lqjax.auditing.flags import SIZE
from lqjax.reporting.formatting import MISSING, percent, significant

MEASURES = {
    "sharpness": "sharpness",
    "dark_level": "99th percentile of brightness",
    "bright_level": "5th percentile of brightness",
    "contrast": "contrast",
    "entropy": "entropy",
    SIZE: "root of the area",
    "aspect": "shorter by longer side",
    "noise_sigma": "noise",
    "jpeg_quality": "JPEG quality",
    "blockiness": "blockiness",
    "blur_sigma": "blur",
    "input_noise_sigma": "noise at the input",
    "input_blur_sigma": "blur at the input",
    "bytes": "size of the file",
    "overexposed_share": "share of white pixels",
    "underexposed_share": "share of black pixels",
    "jpeg_standard": "standard JPEG tables",
}
"""What people call a measure whose name is not a word."""

UNITS = {"entropy": "bit", SIZE: "px", "blur_sigma": "px", "input_blur_sigma": "px",
         "width": "px", "height": "px", "bytes": "bytes"}  # fmt: skip

LEAST_PERCENT = 0.1

LEAST_SHOWN = 1e-4
"""Smaller values of a measure are rounding."""


def name_of(measure: str) -> str:
    """Name a measure as people do."""
    return MEASURES.get(measure, measure.replace("_", " "))


def with_unit(measure: str, value: float) -> str:
    """Write a value of a measure with its unit."""
    unit = UNITS.get(measure, "")
    return f"{brief_number(value)} {unit}".strip() if np.isfinite(value) else MISSING


def in_column(measure: str, value: float) -> str:
    """Write it so that numbers below one another have equally many digits."""
    unit = UNITS.get(measure, "")
    shown = value if abs(value) >= LEAST_SHOWN else 0.0  # NaN stays
    return f"{significant(shown)} {unit}".strip() if np.isfinite(value) else MISSING


def in_percent(count: int, total: int) -> str:
    """Write a share in percent with one digit; where that would be none, that it is less."""
    share = count / max(total, 1)
    return f"<{LEAST_PERCENT}" if 0 < 100 * share < LEAST_PERCENT else percent(share)


def brief_number(value: float) -> str:
    """Write a value with three significant digits, and without zeros that say nothing."""
    text = significant(value) if abs(value) >= LEAST_SHOWN else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text
