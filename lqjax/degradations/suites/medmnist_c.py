"""MedMNIST-C: corruptions for each of twelve medical data sets, published for 224 px.

Grey images are corrupted as colour, three equal channels, and brought back to one by luma, as
published: noise is drawn for each channel and averaged, 0.67 of the nominal standard deviation.

What differs from the published files:

- Gaussian blur rounds to the nearest level there, as torchvision does, and gamma cuts 255.999
  times the value down to a level, as Pillow's table; here all results are cut down alike. Either
  makes a difference of at most one level.
- `stain_deposit` draws its own stains; the published ones are fixed masks.
- `characters` of dermamnist, random words in OpenCV's typeface, is left out.
- TissueMNIST is in the published code, but not among the published files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lqjax.degradations.suites import hendrycks
from lqjax.degradations.suites.hendrycks import LEVELS, Corruption, suite_entry
from lqjax.imaging.suites import SUITES, Rest, Suite, SuiteEntry

SOURCE = (
    "MedMNIST-C (Di Salvo et al. 2024, 2406.17536), medmnistc 0.1.0, corruptions/registry.py;"
    " characters are left out, stains are drawn anew"
)

STAIN_SIZES = (24, 24, 24, 24, 32)
"""px: the sides of the published masks, by level."""

SHARED = (
    "pixelate",
    "jpeg_compression",
    "gaussian_noise",
    "speckle_noise",
    "impulse_noise",
    "shot_noise",
    "defocus_blur",
    "motion_blur",
    "zoom_blur",
)
"""Defined as in ImageNet-C."""


def _factor(name: str, operation: str, label: str, parameter: str = "factor") -> Corruption:
    severity = f"{parameter} {{{parameter}:g}}"
    return Corruption(name, operation, (parameter,), label, severity, {parameter: Rest(1)})


OWN = (
    Corruption(
        "gaussian_blur",
        "gaussian_blur",
        ("kernel_size", "sigma"),
        "Gaussian blur",
        "kernel {kernel_size:g} px, sigma {sigma:.3g} px",
        no_path="kernel sizes are odd and whole",
    ),
    _factor("brightness_up", "brightness_pillow", "Brightness up"),
    _factor("brightness_down", "brightness_pillow", "Brightness down"),
    _factor("contrast_up", "contrast_pillow", "Contrast up"),
    _factor("contrast_down", "contrast_pillow", "Contrast down"),
    _factor("gamma_corr_up", "gamma", "Gamma up", "exponent"),
    _factor("gamma_corr_down", "gamma", "Gamma down", "exponent"),
    Corruption(
        "saturate", "saturate_hsv", ("shift",), "Saturation", "+ {shift:g}", {"shift": Rest(0)}
    ),
    Corruption(
        "stain_deposit",
        "stain_deposit",
        ("maximum", "size"),
        "Stain deposit",
        "up to {maximum:g} of {size:g} px",
        no_path="stains are counted",
    ),
    Corruption(
        "bubble",
        "bubble",
        ("radius_max", "count_max"),
        "Bubbles",
        "up to {count_max:g} of radius {radius_max:g} px",
        no_path="bubbles are counted, and their radii are whole",
    ),
    Corruption(
        "black_corner",
        "black_corner",
        ("radius",),
        "Black corners",
        "radius {radius:g}",
        no_path="its published levels are not in order",
    ),
)
"""What MedMNIST-C defines by itself, but `characters`."""

CORRUPTIONS = {
    corruption.name: corruption
    for corruption in (*(c for c in hendrycks.CORRUPTIONS if c.name in SHARED), *OWN)
}

Numbers = Sequence[float | tuple[float, ...]]
"""One number or one tuple for each level."""

Table = Mapping[str, Numbers]


def _kernels(*sizes: int) -> tuple[tuple[float, float], ...]:
    """Give torchvision's standard deviation for a kernel of a given size, px."""
    return tuple((size, 0.3 * ((size - 1) * 0.5 - 1) + 0.8) for size in sizes)


def _stains(*maxima: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(maxima, STAIN_SIZES, strict=True))


_TENTHS_UP = (1.1, 1.2, 1.3, 1.4, 1.5)
_TENTHS_DOWN = (0.9, 0.8, 0.7, 0.6, 0.5)
_MORE = (1.1, 1.2, 1.3, 1.4, 1.6)
_LESS = (0.9, 0.8, 0.7, 0.6, 0.4)
_QUALITY = (50, 30, 15, 10, 7)

_X_RAY: Table = {
    "gaussian_blur": _kernels(3, 5, 7, 9, 11),
    "brightness_up": _TENTHS_UP,
    "brightness_down": _TENTHS_DOWN,
    "contrast_up": _MORE,
    "contrast_down": _LESS,
    "gamma_corr_up": _MORE,
    "gamma_corr_down": _LESS,
}

_CT: Table = {
    "pixelate": (0.7, 0.6, 0.5, 0.4, 0.35),
    "jpeg_compression": _QUALITY,
    "gaussian_noise": (0.04, 0.08, 0.12, 0.16, 0.2),
    "speckle_noise": (0.05, 0.1, 0.2, 0.3, 0.4),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.08),
    "shot_noise": (200, 100, 50, 25, 15),
    "gaussian_blur": _kernels(11, 13, 15, 17, 21),
    "brightness_up": (1.2, 1.3, 1.4, 1.5, 1.6),
    "brightness_down": (0.8, 0.75, 0.7, 0.65, 0.6),
    "contrast_up": (1.3, 1.4, 1.6, 1.7, 1.8),
    "contrast_down": (0.8, 0.7, 0.6, 0.55, 0.5),
    "gamma_corr_up": (1.3, 1.4, 1.6, 1.8, 2),
    "gamma_corr_down": _LESS,
}

TABLES: Mapping[str, Table] = {
    "pathmnist": {
        "pixelate": (0.8, 0.6, 0.4, 0.3, 0.25),
        "jpeg_compression": _QUALITY,
        "defocus_blur": ((3, 0.1), (4, 0.1), (5, 0.2), (6, 0.2), (7, 0.3)),
        "motion_blur": ((5, 5), (10, 5), (15, 5), (15, 8), (15, 12)),
        "brightness_up": (1.1, 1.15, 1.2, 1.22, 1.25),
        "brightness_down": (0.85, 0.8, 0.75, 0.72, 0.7),
        "contrast_up": _MORE,
        "contrast_down": (0.8, 0.7, 0.6, 0.55, 0.5),
        "saturate": (0.05, 0.1, 0.15, 0.2, 0.25),
        "stain_deposit": _stains(1, 2, 3, 4, 5),
        "bubble": ((7, 15), (10, 15), (12, 15), (15, 20), (17, 25)),
    },
    "bloodmnist": {
        "pixelate": (0.6, 0.5, 0.4, 0.3, 0.25),
        "jpeg_compression": _QUALITY,
        "defocus_blur": ((2, 0.01), (3, 0.1), (4, 0.1), (5, 0.1), (6, 0.1)),
        "motion_blur": ((3, 3), (5, 5), (10, 5), (10, 7), (10, 9)),
        "brightness_up": (1.1, 1.2, 1.3, 1.35, 1.4),
        "brightness_down": _TENTHS_DOWN,
        "contrast_up": (1.1, 1.15, 1.2, 1.25, 1.3),
        "contrast_down": _TENTHS_DOWN,
        "saturate": (0.05, 0.1, 0.15, 0.17, 0.2),
        "stain_deposit": _stains(1, 2, 3, 3, 3),
        "bubble": ((5, 10), (7, 10), (10, 10), (12, 12), (15, 12)),
    },
    "dermamnist": {
        "pixelate": (0.7, 0.5, 0.4, 0.3, 0.25),
        "jpeg_compression": (30, 20, 15, 10, 7),
        "gaussian_noise": (0.04, 0.08, 0.12, 0.18, 0.26),
        "speckle_noise": (0.05, 0.15, 0.2, 0.35, 0.45),
        "impulse_noise": (0.01, 0.03, 0.06, 0.09, 0.17),
        "shot_noise": (60, 25, 18, 10, 5),
        "defocus_blur": ((4, 0.1), (5, 0.2), (6, 0.3), (7, 0.4), (8, 0.5)),
        "motion_blur": ((10, 5), (15, 5), (15, 8), (15, 12), (20, 15)),
        # np.arange(1, stop, step) with stops 1.11 1.16 1.21 1.26 1.31 and steps in percent.
        "zoom_blur": ((12, 1), (16, 1), (11, 2), (13, 2), (11, 3)),
        "brightness_up": _TENTHS_UP,
        "brightness_down": _TENTHS_DOWN,
        "contrast_up": _MORE,
        "contrast_down": (0.8, 0.7, 0.6, 0.5, 0.4),
        "black_corner": (1.1, 1.05, 1, 0.9, 0.95),
    },
    "retinamnist": {
        "pixelate": (0.8, 0.6, 0.5, 0.4, 0.35),
        "jpeg_compression": (30, 25, 20, 10, 5),
        "gaussian_noise": (0.04, 0.08, 0.12, 0.16, 0.2),
        "speckle_noise": (0.1, 0.15, 0.2, 0.25, 0.3),
        # A sixth one in the published code is never used, here and in two Gaussian blurs.
        "defocus_blur": ((4, 0.1), (5, 0.2), (6, 0.3), (7, 0.4), (8, 0.5)),
        "motion_blur": ((8, 5), (15, 5), (15, 8), (15, 12), (20, 15)),
        "brightness_down": _TENTHS_DOWN,
        "contrast_down": _LESS,
    },
    "tissuemnist": {
        "pixelate": (0.4, 0.3, 0.2, 0.15, 0.1),
        "jpeg_compression": (25, 20, 15, 10, 7),
        "impulse_noise": (0.01, 0.015, 0.02, 0.025, 0.03),
        "gaussian_blur": _kernels(13, 15, 17, 21, 25),
        "brightness_up": (1.3, 1.4, 1.5, 1.6, 1.7),
        "brightness_down": (0.8, 0.7, 0.6, 0.5, 0.4),
        "contrast_up": _MORE,
        "contrast_down": _LESS,
    },
    "octmnist": {
        "pixelate": (0.3, 0.25, 0.2, 0.15, 0.1),
        "jpeg_compression": (30, 15, 10, 7, 5),
        "speckle_noise": (0.15, 0.3, 0.4, 0.5, 0.6),
        "defocus_blur": ((0.5, 0.6), (1, 0.5), (1.5, 0.1), (2, 0.5), (2.5, 0.1)),
        "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
        "contrast_down": (0.6, 0.4, 0.3, 0.2, 0.15),
    },
    "breastmnist": {
        "pixelate": (0.3, 0.25, 0.2, 0.15, 0.1),
        "jpeg_compression": _QUALITY,
        "speckle_noise": (0.1, 0.15, 0.2, 0.25, 0.3),
        "motion_blur": ((5, 5), (9, 7), (9, 10), (13, 10), (17, 12)),
        "brightness_up": (1.4, 1.5, 1.6, 1.8, 2),
        "brightness_down": (0.55, 0.5, 0.45, 0.4, 0.3),
        "contrast_down": _LESS,
    },
    "chestmnist": {
        "pixelate": (0.3, 0.25, 0.2, 0.15, 0.1),
        "jpeg_compression": _QUALITY,
        "gaussian_noise": (0.04, 0.08, 0.12, 0.18, 0.26),
        "speckle_noise": (0.05, 0.15, 0.2, 0.35, 0.45),
        "impulse_noise": (0.01, 0.03, 0.06, 0.09, 0.17),
        "shot_noise": (60, 25, 18, 10, 5),
        **_X_RAY,
    },
    "pneumoniamnist": {
        "pixelate": (0.8, 0.7, 0.6, 0.5, 0.4),
        "jpeg_compression": _QUALITY,
        "gaussian_noise": (0.04, 0.05, 0.06, 0.07, 0.08),
        "speckle_noise": (0.05, 0.07, 0.1, 0.15, 0.2),
        "impulse_noise": (0.005, 0.01, 0.013, 0.017, 0.02),
        "shot_noise": (300, 200, 150, 100, 80),
        **_X_RAY,
    },
    "organamnist": _CT,
    "organcmnist": _CT,
    "organsmnist": _CT,
}


def _entry(name: str, numbers: Numbers) -> SuiteEntry:
    rows = [row if isinstance(row, tuple) else (row,) for row in numbers]
    return suite_entry(CORRUPTIONS[name], rows)


for _dataset, _table in TABLES.items():
    _entries = tuple(_entry(name, numbers) for name, numbers in _table.items())
    SUITES.add(
        f"medmnist_c/{_dataset}",
        Suite(
            f"medmnist_c/{_dataset}", LEVELS, _entries, SOURCE, quantize=True, grey_as_colour=True
        ),
    )
