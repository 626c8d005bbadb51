"""A prepared TFDS data set, read without TensorFlow, whatever format its files are in.

`data.path` is NAME, NAME/CONFIG or NAME:VERSION as TFDS has them, and after an `@` the directory:
"pneumonia_mnist@/data/tfds". Files of array_record, parquet and TFRecord are read; others have to
be converted once, and the error says with which command. Nothing is ever downloaded here.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.kept_labels import kept_labels
from lqjax.data.source import SOURCES, Catalogue, Listing
from lqjax.data.tfds_builder import credit_of, find_keys, prepared_builder, quiet
from lqjax.data.tfds_records import Opened, notes_of, open_records

SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "val", "valid"),
    "test": ("test",),
}
"""Name of the split -> names that TFDS data sets give it, the preferred first."""


@SOURCES.register("tfds")
def list_tfds(settings: DataConfig) -> Catalogue:
    """List a prepared TFDS data set. Example ids are split and record number: "train/17".

    Raises:
      ValueError: unknown or unprepared data set, files of another format, no image or class
        feature, no such `test_split`, a damaged file.
    """
    name, _, data_dir = settings.path.partition("@")
    if not name:
        raise ValueError("data.path is empty; for tfds set it to NAME or NAME@DATA_DIR")
    if "@" not in settings.path and Path(settings.path).is_dir():
        there = ", ".join(sorted(p.name for p in Path(settings.path).iterdir() if p.is_dir()))
        raise ValueError(
            f"data.path={settings.path} is a folder; write NAME@{settings.path}, with a NAME of:"
            f" {there or 'nothing, it is empty'}"
        )
    with quiet():
        builder = prepared_builder(name, data_dir)
        image_key, label_key = find_keys(builder)
        opened = open_records(builder, _split_names(builder, settings.test_split), image_key)
        info = builder.info
        splits = {
            part: _listing(found, settings, image_key, label_key) for part, found in opened.items()
        }
        return Catalogue(
            name=info.name,
            splits=splits,
            class_names=tuple(str(n) for n in info.features[label_key].names),
            channels=1 if info.features[image_key].shape[-1] == 1 else 3,
            credit=credit_of(builder),
            notes=notes_of(builder),
        )


def _split_names(builder: Any, test_split: str) -> dict[str, str]:
    """Choose the splits to be read: name here -> name in TFDS."""
    here = set(builder.info.splits)
    if test_split and (test_split not in here or test_split in SPLIT_NAMES["train"]):
        free = sorted(here - set(SPLIT_NAMES["train"]))
        raise ValueError(
            f"data.test_split={test_split}: TFDS data set {builder.info.name!r} has no such split"
            f" to test on; it has {', '.join(free) or 'none but train'}"
        )
    wanted = {**SPLIT_NAMES, "test": (test_split,)} if test_split else SPLIT_NAMES
    names = {
        part: next(given for given in known if given in here)
        for part, known in wanted.items()
        if here & set(known)
    }
    if "train" not in names:
        raise ValueError(
            f"TFDS data set {builder.info.name!r} has no split train, only"
            f" {', '.join(sorted(here))}; choose one that can be trained on"
        )
    if test_split and names.get("validation") == test_split:
        del names["validation"]  # another one is held out
    return names


def _listing(opened: Opened, settings: DataConfig, image_key: str, label_key: str) -> Listing:
    """List the examples; their pictures are read when asked."""
    labels = kept_labels(
        settings,
        f"{opened.dataset}-{opened.split_name}",
        f"{opened.version} {label_key}",
        partial(opened.labels, label_key, range(len(opened.undecoded))),
    )
    ids = [f"{opened.split_name}/{row}" for row in range(len(labels))]
    return Listing(
        ids=np.asarray(ids),
        labels=np.asarray(labels),
        names=[f"{opened.folder}: record {name}" for name in ids],
        read=lambda row: opened.picture(row, image_key, settings.image_size),
        version=lambda row: opened.version,
        content=lambda row: bytes(opened.undecoded[row][image_key]),
        encoded=True,
    )
