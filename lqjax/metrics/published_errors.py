"""AlexNet's published errors on ImageNet-C, by which the published mCE are normalised."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from lqjax.metrics.error_table import ErrorTable

SUITES = ("imagenet_c/", "imagenet2012_corrupted/")
"""What may stand before the names: the 224 px set, which these errors belong to, made or read."""

DATASETS = ("imagenet", "imagenet2012")
"""Names under which ImageNet's validation images are known."""

SEVERITIES = ("1", "2", "3", "4", "5")

ALEXNET_CLEAN_ERROR = 0.4348
"""Top-1 error on the 50,000 validation images. Source: robustness_metrics, imagenet_variants.py."""

CORRUPTIONS = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
"""The fifteen that the published mCE is the mean over."""

EXTRA_CORRUPTIONS = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The four held-out ones, which never enter an mCE."""

SAME_CORRUPTIONS = {"frosted_glass_blur": "glass_blur", "elastic": "elastic_transform"}
"""Other names of some of them -> those above. Source: TFDS, cifar10_corrupted."""

ALEXNET_ERRORS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "gaussian_noise": (0.69528, 0.82542, 0.93554, 0.98138, 0.99452),
        "shot_noise": (0.71224, 0.85108, 0.93574, 0.98182, 0.99146),
        "impulse_noise": (0.78374, 0.89808, 0.94870, 0.98720, 0.99548),
        "defocus_blur": (0.65624, 0.73202, 0.85036, 0.91364, 0.94714),
        "glass_blur": (0.64308, 0.75054, 0.88806, 0.91622, 0.93344),
        "motion_blur": (0.58430, 0.70048, 0.82108, 0.89750, 0.92638),
        "zoom_blur": (0.70008, 0.76992, 0.80784, 0.84198, 0.87198),
        "snow": (0.71726, 0.88392, 0.86468, 0.91870, 0.94952),
        "frost": (0.61390, 0.79734, 0.88790, 0.89942, 0.93430),
        "fog": (0.67474, 0.76050, 0.84378, 0.87260, 0.94500),
        "brightness": (0.45140, 0.48502, 0.54048, 0.62166, 0.72440),
        "contrast": (0.64548, 0.76150, 0.88874, 0.97760, 0.99270),
        "elastic_transform": (0.52596, 0.70116, 0.55686, 0.64076, 0.80554),
        "pixelate": (0.52218, 0.54620, 0.73728, 0.87092, 0.91262),
        "jpeg_compression": (0.51002, 0.54718, 0.57294, 0.65458, 0.74778),
        "speckle_noise": (0.66192, 0.74440, 0.90246, 0.94548, 0.97268),
        "gaussian_blur": (0.54732, 0.70444, 0.82574, 0.89864, 0.95940),
        "spatter": (0.47196, 0.62194, 0.75052, 0.84132, 0.90182),
        "saturate": (0.59342, 0.65514, 0.51174, 0.70834, 0.82260),
    }
)
"""Top-1 error at severities 1 to 5, by name: lists by position have been mixed up in public code.

Source: README of github.com/hendrycks/robustness between commits 76d9393 and 5aa129e; the means
stand in google-research/augmix, imagenet.py, too.
"""


def published_alexnet(
    dataset: str, model: ErrorTable, corruptions: tuple[str, ...] = CORRUPTIONS
) -> ErrorTable:
    """Return AlexNet's published errors as the reference for a model tested on ImageNet-C.

    Args:
      dataset: what the model was tested on; ImageNet alone is possible.
      model: the errors to be normalised, for their names ("fog" or "imagenet_c/fog"), their
        severities and their resamples.
      corruptions: the fifteen of the mCE, or some of `EXTRA_CORRUPTIONS` for their CE.

    Raises:
      ValueError: another data set, a corruption that is missing or was never published, or
        severities other than 1 to 5.
    """
    if dataset.lower() not in DATASETS:
        raise ValueError(
            f"the published AlexNet errors are of ImageNet and say nothing about {dataset}; add"
            " alexnet to model.names and normalise by its errors on the same images (data.name is"
            " imagenet for images that are ImageNet's)"
        )
    unknown = [name for name in corruptions if name not in ALEXNET_ERRORS]
    if unknown:
        raise ValueError(
            f"no AlexNet errors are published for {', '.join(unknown)}; published are"
            f" {', '.join(ALEXNET_ERRORS)}"
        )
    if model.severities != SEVERITIES:
        raise ValueError(
            f"the published AlexNet errors are at severities {', '.join(SEVERITIES)}, not"
            f" {', '.join(model.severities)}; test at all five, as imagenet_c/* does"
        )
    named = {
        name.removeprefix(next((s for s in SUITES if name.startswith(s)), "")): name
        for name in model.corruptions
    }
    missing = [name for name in corruptions if name not in named]
    if missing:
        raise ValueError(
            f"no errors for {', '.join(missing)}: a mean over fewer corruptions is not the"
            " published one; add imagenet_c/* to evaluation.conditions"
        )
    shape = np.shape(model.clean)
    errors = np.array([ALEXNET_ERRORS[name] for name in corruptions])
    return ErrorTable(
        tuple(named[name] for name in corruptions),
        SEVERITIES,
        np.broadcast_to(errors, (*shape, *errors.shape)),
        np.full(shape, ALEXNET_CLEAN_ERROR),
    )
