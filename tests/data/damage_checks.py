"""Data that was loaded has the right types, however its files were damaged."""

import numpy as np

SIZE = 28


def check_split(split, classes):
    count = len(split.labels)
    assert split.images.dtype == np.uint8 and split.images.shape[:3] == (count, SIZE, SIZE)
    assert split.images.shape[3] in (1, 3)
    assert split.labels.dtype == np.int32 and count
    assert split.labels.min() >= 0 and split.labels.max() < classes
    assert len(set(split.ids.tolist())) == count and split.ids.dtype.kind == "U"
    for more in (split.groups, split.weights):
        assert more is None or len(more) == count
    if split.weights is not None:
        assert split.weights.dtype == np.float32 and np.isfinite(split.weights).all()


def check_dataset(data):
    assert all(type(name) is str for name in data.class_names)
    for split in (data.train, data.validation, data.test):
        check_split(split, len(data.class_names))
