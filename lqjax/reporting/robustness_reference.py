"""By which AlexNet corruption errors are normalised: one of this comparison, or the published."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.metrics.published_errors import DATASETS
from lqjax.variants import network_of

ALEXNETS = ("alexnet", "alexnet_one_tower")
"""Networks that may be the reference; the first is preferred."""

CLASSES = 1000
"""Of ImageNet: ten classes of it are another task."""

IMAGE_SIZE = 224
"""px, side of the network input that the published errors were measured at, on pictures that were
degraded at this size. Source: hendrycks/robustness, make_imagenet_c.py and test.py."""

PUBLISHED = "the published AlexNet"


def own_reference(models: Sequence[str]) -> str:
    """Return the AlexNet of a comparison; of several the first, alexnet before alexnet_one_tower.

    A model may be named with its learning rate or its directory: "alexnet@0.001 (first)".

    >>> own_reference(("resnet18", "alexnet_one_tower"))
    'alexnet_one_tower'
    """
    for wanted in ALEXNETS:
        for model in models:
            if network_of(model.partition(" (")[0]) == wanted:
                return model
    return ""


def why_no_reference(dataset: str, classes: int, image_size: int) -> str:
    """Say why a comparison without AlexNet has no corruption errors; empty if it has.

    The published errors serve at their image size only: at another AlexNet errs otherwise, and a
    blur of so many pixels is another blur.

    Args:
      dataset: its name, by which ImageNet is known.
      classes: how many there are.
      image_size: side of the network input in pixels.
    """
    if dataset.lower() not in DATASETS:
        differs = f"of ImageNet, not of {dataset}"
    elif classes != CLASSES:
        differs = f"of the {CLASSES:,} classes of ImageNet, not of {classes:,}"
    elif image_size != IMAGE_SIZE:
        differs = f"of images of {IMAGE_SIZE} px, not of {image_size} px"
    else:
        return ""
    return (
        "There are no corruption errors (CE, mCE): they are errors over those of AlexNet, which is"
        f" not in this comparison, and the published ones are {differs}. Add alexnet to model.names"
        " for them."
    )
