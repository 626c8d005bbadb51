"""Audit tables made by hand."""

import numpy as np

from lqjax.auditing.table import AuditTable

FAIR = {
    "width": 100, "height": 100, "aspect": 1.0, "channels": 3, "bytes": 5000,
    "jpeg_quality": 90, "jpeg_standard": 1, "brightness": 0.5, "dark_level": 0.9,
    "bright_level": 0.1, "contrast": 0.6, "overexposed_share": 0.0, "underexposed_share": 0.0,
    "entropy": 7.0, "sharpness": 0.6, "blur_sigma": 0.4, "noise_sigma": 0.01, "blockiness": 1.0,
    "input_noise_sigma": 0.01, "input_blur_sigma": 0.5,
}  # fmt: skip
"""A picture that nobody would flag."""


def make_table(count=12, splits=None, labels=None, classes=("cat", "dog"), seed=0, **changes):
    """Make a table of fair pictures that all differ; `changes` are columns by name."""
    random = np.random.default_rng(seed)
    digests = np.array([f"{i:032x}" for i in range(count)])
    measures = {name: np.full(count, float(value)) for name, value in FAIR.items()}
    others = {
        "ids": np.array([f"train/{i}.png" for i in range(count)]),
        "contents": digests,
        "pixels": digests,
        "hashes": random.integers(0, 2**64, count, dtype=np.uint64),
    }
    for name, values in changes.items():
        if name in others:
            others[name] = np.asarray(values)
        else:
            measures[name] = np.asarray(values, np.float64)
    return AuditTable(
        dataset="films",
        class_names=tuple(classes),
        names=[f"/data/{name}" for name in others["ids"]],
        splits=np.asarray(splits if splits is not None else ["train"] * count),
        labels=np.asarray(labels if labels is not None else np.arange(count) % len(classes)),
        measures=measures,
        **others,
    )
