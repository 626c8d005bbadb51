"""Which measures are about the same: the file, the light, or what is wrong with the picture."""

from __future__ import annotations

FILE, LIGHT, DEFECTS, ALL = "file", "light", "defects", "all"

FAMILIES = {
    FILE: ("width", "height", "aspect", "channels", "bytes", "jpeg_standard"),
    LIGHT: (
        *("brightness", "dark_level", "bright_level", "contrast", "entropy"),
        *("overexposed_share", "underexposed_share"),
    ),
    DEFECTS: (
        *("sharpness", "blur_sigma", "noise_sigma", "jpeg_quality", "blockiness"),
        *("input_noise_sigma", "input_blur_sigma"),
    ),
}
"""A measure that stands nowhere takes part in `ALL` only."""
