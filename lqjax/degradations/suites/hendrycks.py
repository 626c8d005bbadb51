"""What the suites of Hendrycks & Dietterich have in common: names, operations, order, paths.

The four published sets differ in numbers only: `imagenet_c.py`, `imagenet_c_299.py`,
`cifar10_c.py` and `tiny_imagenet_c.py` hold these. Parameters count pixels of images of the set's
own size and stay what they are at other sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lqjax.imaging.suites import Rest, Suite, SuiteEntry

LEVELS = ("1", "2", "3", "4", "5")

Table = Mapping[str, Sequence[tuple[float, ...]]]
"""By corruption: the five published tuples, mildest first."""

REVISION = "hendrycks/robustness at 8190fe3, ImageNet-C/create_c"


@dataclass(frozen=True)
class Corruption:
    """A published corruption: what computes it, and what its tuples mean.

    Attributes:
      name: as published.
      operation: as lqjax calls it.
      parameters: names of the numbers in a published tuple, in its order.
      label, severity: as in `SuiteEntry`.
      path, no_path: as in `SuiteEntry`; a rest of `SAME` keeps the value of level 1.
    """

    name: str
    operation: str
    parameters: tuple[str, ...]
    label: str
    severity: str
    path: Mapping[str, Rest] = field(default_factory=dict)
    no_path: str = ""


SAME = float("nan")
"""Stands for the value that level 1 has."""

CORRUPTIONS = (
    Corruption(
        "gaussian_noise",
        "gaussian_noise",
        ("sigma",),
        "Gaussian noise",
        "sigma {sigma:g}",
        path={"sigma": Rest(0)},
    ),
    Corruption(
        "shot_noise",
        "shot_noise",
        ("photons",),
        "Shot noise",
        "{photons:g} photons at white",
        path={"photons": Rest(float("inf"), reciprocal=True)},
    ),
    Corruption(
        "impulse_noise",
        "impulse_noise",
        ("amount",),
        "Impulse noise",
        "{amount:.3g} of the values",
        path={"amount": Rest(0)},
    ),
    Corruption(
        "defocus_blur",
        "defocus_blur",
        ("radius", "alias_sigma"),
        "Defocus blur",
        "radius {radius:g} px",
        no_path="its disk and its smoothing change in steps of their own",
    ),
    Corruption(
        "glass_blur",
        "glass_blur",
        ("sigma", "delta", "iterations"),
        "Glass blur",
        "sigma {sigma:g} px, {iterations:g} x {delta:g} px",
        no_path="it moves pixels by whole distances in whole passes",
    ),
    Corruption(
        "motion_blur",
        "motion_blur_one_sided",
        ("radius", "sigma"),
        "Motion blur",
        "radius {radius:g} px, sigma {sigma:g} px",
        path={"radius": Rest(0), "sigma": Rest(0)},
    ),
    Corruption(
        "zoom_blur",
        "zoom_blur",
        ("count", "step"),
        "Zoom blur",
        "{count:g} zooms, step {step:g} %",
        no_path="the number of zooms is whole and their step changes",
    ),
    Corruption(
        "snow",
        "snow",
        ("mean", "deviation", "zoom", "threshold", "radius", "sigma", "mix"),
        "Snow",
        "mean {mean:g} above {threshold:g}, flakes x {zoom:g}",
        no_path="its seven parameters do not move together: published errors are not monotone",
    ),
    Corruption(
        "frost",
        "frost",
        ("image_weight", "frost_weight", "shrink"),
        "Frost",
        "weight {frost_weight:g} on {image_weight:g}",
        path={"image_weight": Rest(1), "frost_weight": Rest(0), "shrink": Rest(SAME)},
    ),
    Corruption(
        "fog",
        "fog",
        ("amount", "decay", "side"),
        "Fog",
        "amount {amount:g}, decay {decay:g}",
        path={"amount": Rest(0), "decay": Rest(SAME), "side": Rest(SAME)},
    ),
    Corruption(
        "brightness",
        "brightness_hsv",
        ("shift",),
        "Brightness",
        "value + {shift:g}",
        path={"shift": Rest(0)},
    ),
    Corruption(
        "contrast",
        "contrast_channel_mean",
        ("factor",),
        "Low contrast",
        "factor {factor:g}",
        path={"factor": Rest(1)},
    ),
    Corruption(
        "elastic_transform",
        "elastic_transform",
        ("alpha", "sigma", "jitter"),
        "Elastic transform",
        "alpha {alpha:.3g} px, sigma {sigma:.3g} px",
        no_path="its levels are different mixtures of shearing and warping, not more of one",
    ),
    Corruption(
        "pixelate",
        "pixelate",
        ("scale",),
        "Pixelate",
        "scale {scale:g}",
        path={"scale": Rest(1)},
    ),
    Corruption(
        "jpeg_compression",
        "jpeg",
        ("quality",),
        "JPEG",
        "quality {quality:g}",
        no_path="quality is whole, and no quality leaves an image as it is",
    ),
    Corruption(
        "speckle_noise",
        "speckle_noise",
        ("sigma",),
        "Speckle noise",
        "sigma {sigma:g}",
        path={"sigma": Rest(0)},
    ),
    Corruption(
        "gaussian_blur",
        "gaussian_blur_replicate",
        ("sigma",),
        "Gaussian blur",
        "sigma {sigma:g} px",
        path={"sigma": Rest(0)},
    ),
    Corruption(
        "spatter",
        "spatter",
        ("mean", "deviation", "blur_sigma", "threshold", "strength", "mud"),
        "Spatter",
        "mean {mean:g} above {threshold:g}, blur {blur_sigma:g} px",
        no_path="levels 1 to 3 are water, 4 and 5 mud",
    ),
    Corruption(
        "saturate",
        "saturate_hsv",
        ("factor", "shift"),
        "Saturation",
        "x {factor:g} + {shift:g}",
        no_path="levels 1 and 2 take colour away, 3 to 5 add it",
    ),
)
"""The 15 benchmark corruptions in the order of the paper, then the 4 extra ones."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""Published for validation; not in the benchmark's means."""


def hendrycks_suite(name: str, table: Table, source: str) -> Suite:
    """Build a suite from the published tuples.

    Args:
      name: as users type it.
      table: five tuples for each of `CORRUPTIONS`.
      source: script and revision.
    """
    entries = tuple(suite_entry(corruption, table[corruption.name]) for corruption in CORRUPTIONS)
    return Suite(name, LEVELS, entries, source, quantize=True)


def scaled(tuples: Sequence[tuple[float, ...]], pixels: float) -> tuple[tuple[float, ...], ...]:
    """Multiply published factors by the length that they are written in."""
    return tuple(tuple(value * pixels for value in numbers) for numbers in tuples)


def suite_entry(corruption: Corruption, tuples: Sequence[tuple[float, ...]]) -> SuiteEntry:
    """Build an entry from its published tuples, one for each of `LEVELS`."""
    levels = {
        level: dict(zip(corruption.parameters, numbers, strict=True))
        for level, numbers in zip(LEVELS, tuples, strict=True)
    }
    mildest = levels[LEVELS[0]]
    path = {
        name: Rest(mildest[name]) if rest.value != rest.value else rest
        for name, rest in corruption.path.items()
    }
    return SuiteEntry(
        name=corruption.name,
        operation=corruption.operation,
        levels=levels,
        label=corruption.label,
        severity=corruption.severity,
        path=path,
        no_path=corruption.no_path,
    )
