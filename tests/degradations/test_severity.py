"""PSNR falls with severity, on a picture with structure at all scales."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import expand
from lqjax.imaging.psnr import psnr
from lqjax.imaging.suites import SUITES

SIDE = 64
NOT_MONOTONE = {
    # Published levels that are not ordered by damage; for snow, elastic and saturate the published
    # errors of AlexNet say so too.
    "snow",
    "elastic_transform",
    "saturate",
    "spatter",
    "glass_blur",
    "black_corner",
    # From level 3 to 4 the weights' sum falls, which brings bright pictures back nearer.
    "frost",
}
SAME_AMOUNT = {("imagenet_c", "fog"), ("imagenet_c_299", "fog")}
"""Levels 3 and 4 differ in the fog's coarseness only, at the same amount."""
TWINS = ("medmnist_c/organcmnist", "medmnist_c/organsmnist")
"""The same table as medmnist_c/organamnist."""

FAMILIES = [
    (suite, entry)
    for suite in SUITES
    for entry in SUITES[suite].names()
    if entry not in NOT_MONOTONE and suite not in TWINS
]


def measured(suite, entry):
    picture = skimage.data.astronaut()[::8, ::8]
    given = jnp.asarray(np.stack([picture, picture.transpose(1, 0, 2)]))
    numbers = jnp.arange(2, dtype=jnp.uint32)
    clean = apply_condition(expand("clean")[0], given, numbers, 0)
    return [
        float(psnr(apply_condition(condition, given, numbers, 0), clean).mean())
        for condition in expand(f"{suite}/{entry}")
    ]


@pytest.mark.parametrize(("suite", "entry"), FAMILIES)
def test_psnr_falls_with_severity(suite, entry):
    found = measured(suite, entry)
    if (suite, entry) in SAME_AMOUNT:
        found = found[:3]
    assert found == sorted(found, reverse=True)
    assert 4 < found[-1] < found[0]
