"""Outputs of the original ImageNet-C code; README.md says where they come from."""

import functools
import os
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
LARGE = Path(os.environ.get("LQJAX_GOLDEN", HERE.parents[2] / "shared" / "golden"))
SUITES = ("cifar10_c", "imagenet_c")


@functools.cache
def _file(path):
    if not path.exists():
        pytest.skip(f"{path.name} of the large golden outputs is not here (set LQJAX_GOLDEN)")
    with np.load(path) as stored:
        return dict(stored)


def golden_image(suite="cifar10_c", index=0):
    """The clean picture, uint8: 32 px for cifar10_c, 224 px for imagenet_c (or skip)."""
    if suite == "cifar10_c":
        return _file(HERE / "cifar10_c.npz")["images_32"][index]
    return _file(LARGE / "inputs.npz")["images_224"][index]


def golden_output(suite, corruption, severity, field="", index=0):
    """An output (uint8), or with `field` a draw or stage, of picture `index` (or skip)."""
    key = f"{suite}/{corruption}@{severity}/img{index}" + (f"/{field}" if field else "")
    path = HERE / "cifar10_c.npz" if suite == "cifar10_c" else LARGE / "deterministic.npz"
    return _file(path)[key]
