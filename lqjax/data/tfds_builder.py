"""Prepared TFDS data sets: found, and checked before anything of them is read."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lqjax.data.source import FINGERPRINT_BYTES, file_version, one_line
from lqjax.registry import nearest_first

NEAR_NAMES = 3
"""How many of the published names an error suggests."""

WITH_TENSORFLOW = "pip install tensorflow"
"""The `tfds` command that prepares and converts needs TensorFlow; reading does not."""

NAMESPACE = re.compile(r"([A-Za-z_][\w-]*):(?!\d|\*)")
"""Before the name of a data set that TFDS would fetch from elsewhere; versions are numbers."""

OWN_MODULES = "tensorflow_datasets."
"""Where the classes are that metadata may name: TFDS imports whatever module they name."""

READABLE = ("uint8", "uint16")
"""Types of pixels; floats are stored as colours that are none."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep TFDS and, where installed, TensorFlow from writing to the screen."""
    from absl import logging

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def prepared_builder(name: str, data_dir: str) -> Any:
    """Find the data set; refuse what is unknown or not prepared."""
    import tensorflow_datasets as tfds  # takes a second to import, needed here only

    build = f"{WITH_TENSORFLOW} && tfds build {shlex.quote(name)} --file_format=array_record"
    build += f" --data_dir={shlex.quote(data_dir)}" if data_dir else ""
    remote = "://" in data_dir  # gs:// and the like
    if data_dir and not remote and not Path(data_dir).expanduser().is_dir():
        raise ValueError(f"{data_dir}: no such folder; prepare the data with: {build}")
    if namespace := NAMESPACE.match(name):
        raise ValueError(
            f"TFDS data set {name!r}: data sets of {namespace[1]!r} are not read; prepare one of"
            " TFDS, or use data.source=folder or table"
        )
    foreign: list[str] = []
    try:
        with _own_classes_only(foreign):
            builder = tfds.builder(name, data_dir=data_dir or None)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"unknown TFDS data set {name!r}; near names: {_near(name, data_dir)}; all: "
            "https://www.tensorflow.org/datasets/catalog; data.path is NAME or NAME@DATA_DIR"
        ) from error
    except Exception as error:  # configs, versions and damaged metadata fail in many ways
        if foreign:
            raise ValueError(
                f"TFDS data set {name!r} in {data_dir or 'the default directory'} names the class"
                f" {foreign[0]!r:.100}, which is not one of TFDS; loading it would run foreign"
                " code: prepare the data set again"
            ) from None
        raise ValueError(
            f"TFDS data set {name!r} in {data_dir or 'the default directory'} cannot be opened "
            f"({one_line(error)}); prepare it again with: {build}"
        ) from error
    if not builder.is_prepared():
        raise ValueError(f"TFDS data set {name!r} is not in {builder.data_dir}; run: {build}")
    return builder


@contextmanager
def _own_classes_only(refused: list[str]) -> Iterator[None]:
    """Let TFDS make features of its own classes alone.

    Where TFDS takes metadata from depends on names, versions, configurations and files in the
    folder; the one place that imports what they name is here.

    Args:
      refused: what was asked for beside these is added to it.
    """
    from tensorflow_datasets.core.features.feature import FeatureConnector

    found = FeatureConnector.__dict__["cls_from_name"]

    def cls_from_name(cls: Any, python_class_name: str) -> Any:
        if not str(python_class_name).startswith(OWN_MODULES):
            refused.append(str(python_class_name))
            raise ValueError(f"the class {python_class_name!r:.100} is not one of TFDS")
        return found.__func__(cls, python_class_name)

    FeatureConnector.cls_from_name = classmethod(cls_from_name)
    try:
        yield
    finally:
        FeatureConnector.cls_from_name = found


def _near(name: str, data_dir: str) -> str:
    """List the names, published or in the folder, that are most like a mistyped one."""
    import tensorflow_datasets as tfds

    known = set(tfds.list_builders(with_community_datasets=False))
    if data_dir and "://" not in data_dir:
        known |= {folder.name for folder in Path(data_dir).expanduser().iterdir()}
    return ", ".join(nearest_first(name, tuple(sorted(known)))[:NEAR_NAMES])


def find_keys(builder: Any) -> tuple[str, str]:
    """Find the image and the class feature: the supervised pair, or `image` and `label`."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    pair = builder.info.supervised_keys or ("image", "label")
    image_key, label_key = (pair[0], pair[-1]) if len(pair) == 2 else ("image", "label")
    kinds = tfds.features.Image, tfds.features.ClassLabel
    for key, kind in zip((image_key, label_key), kinds, strict=True):
        if not isinstance(key, str) or key not in features or not isinstance(features[key], kind):
            listing = ", ".join(f"{k} ({type(f).__name__})" for k, f in sorted(features.items()))
            raise ValueError(
                f"TFDS data set {builder.info.name!r} has no feature {key!r} of kind "
                f"{kind.__name__}; it has {listing}; choose a classification data set (read from"
                f" {builder.data_dir})"
            )
    pixels = np.dtype(features[image_key].np_dtype).name
    if pixels not in READABLE:
        raise ValueError(
            f"{builder.data_dir}: has pixels of {pixels} in {image_key!r}; only"
            f" {' and '.join(READABLE)} are read: choose another data set"
        )
    return image_key, label_key


def version_of(builder: Any) -> str:
    """Tell versions of the prepared files apart: a digest, since each example carries it.

    Of files in a bucket, folder and the counts and sizes that TFDS keeps of them have to do.
    """
    folder = str(builder.data_dir)
    if "://" in folder:
        text = f"{folder} {builder.info.as_json}"
    else:
        files = sorted(Path(folder).iterdir())
        text = "; ".join(f"{path.name} {file_version(str(path))}" for path in files)
    encoded = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(encoded, digest_size=FINGERPRINT_BYTES).hexdigest()


def credit_of(builder: Any) -> str:
    """Name source and licence, in one line."""
    licence = getattr(builder.info.redistribution_info, "license", "") or ""
    text = f"TFDS {builder.info.full_name}; {builder.info.homepage or ''} {licence}"
    return " ".join(text.split()).rstrip("; ")
