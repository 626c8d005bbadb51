"""PSNR falls with severity, on a picture with structure at all scales."""

import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from lqjax.imaging.apply import apply_condition
from lqjax.imaging.conditions import expand
from lqjax.imaging.psnr import psnr
from lqjax.imaging.suites import SUITES


@pytest.mark.parametrize("entry", SUITES["low_quality"].names())
def test_psnr_falls_with_severity(entry):
    picture = skimage.data.camera()[::8, ::8]
    given = jnp.asarray(np.stack([picture, picture.T])[..., None], jnp.uint8)
    numbers = jnp.arange(2, dtype=jnp.uint32)
    clean = apply_condition(expand("clean")[0], given, numbers, 0)
    measured = [
        float(psnr(apply_condition(condition, given, numbers, 0), clean).mean())
        for condition in expand(f"low_quality/{entry}")
    ]
    assert measured == sorted(measured, reverse=True)
    assert 5 < measured[-1] < measured[0] < 45
