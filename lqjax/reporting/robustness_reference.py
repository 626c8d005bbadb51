"""By which AlexNet corruption errors are normalised: one of this comparison, or the published."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.metrics.published_errors import DATASETS
from lqjax.variants import network_of

ALEXNETS = ("alexnet", "alexnet_one_tower")
"""Networks that may be the reference; the first is preferred."""

CLASSES = 1000
"""Of ImageNet: ten classes of it are another task."""

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


def is_imagenet(dataset: str, classes: int) -> bool:
    """Tell by name and number of classes whether the published AlexNet errors may be used."""
    return dataset.lower() in DATASETS and classes == CLASSES


def why_no_reference(dataset: str) -> str:
    """Say why a comparison without AlexNet has no corruption errors."""
    return (
        "There are no corruption errors (CE, mCE): they are errors over those of AlexNet, which is"
        f" not in this comparison, and the published ones are of ImageNet, not of {dataset}. Add"
        " alexnet to model.names for them."
    )
