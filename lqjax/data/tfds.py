"""A prepared TFDS data set, read with `tfds.data_source`: no TensorFlow is needed.

`data.path` is NAME, NAME/CONFIG or NAME:VERSION as TFDS has them, and after an `@` the directory:
"pneumonia_mnist@/data/tfds". Random access needs array_record or parquet; TFRecord files have to
be converted once, and the error says with which command. Nothing is ever downloaded here.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.kept_labels import kept_labels
from lqjax.data.pictures import from_array
from lqjax.data.source import (
    FINGERPRINT_BYTES,
    SOURCES,
    Catalogue,
    Listing,
    file_version,
    one_line,
)
from lqjax.registry import nearest_first

SPLIT_NAMES = {
    "train": ("train",),
    "validation": ("validation", "val", "valid"),
    "test": ("test",),
}
"""Name of the split -> names that TFDS data sets give it, the preferred first."""

NEAR_NAMES = 3
"""How many of the published names an error suggests."""

WITH_TENSORFLOW = "pip install tensorflow"
"""The `tfds` command that prepares and converts needs TensorFlow; reading does not."""


@SOURCES.register("tfds")
def list_tfds(settings: DataConfig) -> Catalogue:
    """List a prepared TFDS data set. Example ids are split and record number: "train/17".

    Raises:
      ValueError: unknown or unprepared data set, TFRecord files, no image or class feature, a
        damaged file.
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
    with _quiet():
        builder = _prepared_builder(name, data_dir)
        image_key, label_key = _keys(builder)
        opened = _open(builder, name, image_key)
        info = builder.info
        splits = {
            part: _listing(found, settings, image_key, label_key) for part, found in opened.items()
        }
        return Catalogue(
            name=info.name,
            splits=splits,
            class_names=tuple(str(n) for n in info.features[label_key].names),
            channels=1 if info.features[image_key].shape[-1] == 1 else 3,
            credit=_credit(builder),
        )


@dataclass(frozen=True)
class _Opened:
    """One split: its name in TFDS, its records, and the same with the images left encoded.

    And of the data set: its name, its folder, and what tells its versions apart.
    """

    split_name: str
    records: Sequence[Any]
    undecoded: Sequence[Any]
    dataset: str
    folder: str
    version: str


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep TFDS and, where installed, TensorFlow from writing to the screen."""
    from absl import logging

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _prepared_builder(name: str, data_dir: str) -> Any:
    """Find the data set; refuse what is unknown or not prepared."""
    import tensorflow_datasets as tfds  # takes a second to import, needed here only

    build = f"{WITH_TENSORFLOW} && tfds build {shlex.quote(name)} --file_format=array_record"
    build += f" --data_dir={shlex.quote(data_dir)}" if data_dir else ""
    remote = "://" in data_dir  # gs:// and the like
    if data_dir and not remote and not Path(data_dir).expanduser().is_dir():
        raise ValueError(f"{data_dir}: no such folder; prepare the data with: {build}")
    try:
        builder = tfds.builder(name, data_dir=data_dir or None)
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"unknown TFDS data set {name!r}; near names: {_near(name, data_dir)}; all: "
            "https://www.tensorflow.org/datasets/catalog; data.path is NAME or NAME@DATA_DIR"
        ) from error
    except Exception as error:  # configs, versions and damaged metadata fail in many ways
        raise ValueError(
            f"TFDS data set {name!r} in {data_dir or 'the default directory'} cannot be opened "
            f"({one_line(error)}); prepare it again with: {build}"
        ) from error
    if not builder.is_prepared():
        raise ValueError(f"TFDS data set {name!r} is not in {builder.data_dir}; run: {build}")
    return builder


def _near(name: str, data_dir: str) -> str:
    """List the names, published or in the folder, that are most like a mistyped one."""
    import tensorflow_datasets as tfds

    known = set(tfds.list_builders(with_community_datasets=False))
    if data_dir and "://" not in data_dir:
        known |= {folder.name for folder in Path(data_dir).expanduser().iterdir()}
    return ", ".join(nearest_first(name, tuple(sorted(known)))[:NEAR_NAMES])


def _open(builder: Any, name: str, image_key: str) -> dict[str, _Opened]:
    """Open the splits for random access."""
    import tensorflow_datasets as tfds

    here = set(builder.info.splits)
    names = {
        part: next(given for given in known if given in here)
        for part, known in SPLIT_NAMES.items()
        if here & set(known)
    }
    if "train" not in names:
        raise ValueError(
            f"TFDS data set {name!r} has no split train, only {', '.join(sorted(here))}; "
            "choose one that can be trained on"
        )
    skip = {image_key: tfds.decode.SkipDecoding()}
    try:
        decoded = builder.as_data_source(split=names)
        undecoded = builder.as_data_source(split=names, decoders=skip)
    except NotImplementedError as error:
        kind, version = builder.info.file_format.value, shlex.quote(str(builder.data_dir))
        raise ValueError(
            f"{builder.data_dir}: its {kind} files need TensorFlow and allow no random access; "
            f"convert them once with: {WITH_TENSORFLOW} && tfds convert_format "
            f"--dataset_version_dir={version} --out_file_format=array_record"
        ) from error
    except Exception as error:  # missing or damaged shards
        raise _damaged(str(builder.data_dir), error) from error
    with suppress(Exception):  # TFDS warns once, at the first picture, that OpenCV is missing
        decoded["train"][0]
    common = builder.info.name, str(builder.data_dir), _version(builder)
    return {
        part: _Opened(split_name, decoded[part], undecoded[part], *common)
        for part, split_name in names.items()
    }


def _damaged(folder: str, error: Exception) -> ValueError:
    return ValueError(f"{folder}: cannot be read ({one_line(error)}); prepare or copy it again")


def _listing(opened: _Opened, settings: DataConfig, image_key: str, label_key: str) -> Listing:
    """List the examples; their pictures are read when asked."""
    labels = kept_labels(
        settings,
        f"{opened.dataset}-{opened.split_name}",
        f"{opened.version} {label_key}",
        partial(_read_labels, opened, label_key),
    )
    ids = [f"{opened.split_name}/{row}" for row in range(len(labels))]
    return Listing(
        ids=np.asarray(ids),
        labels=np.asarray(labels),
        names=[f"{opened.folder}: record {name}" for name in ids],
        read=lambda row: from_array(np.asarray(opened.records[row][image_key])),
        version=lambda row: opened.version,
    )


def _read_labels(opened: _Opened, label_key: str) -> list[int]:
    """Read all labels; the records come with their pictures, which stay encoded."""
    try:
        return [int(opened.undecoded[row][label_key]) for row in range(len(opened.records))]
    except Exception as error:  # damaged records fail in many ways
        raise _damaged(f"{opened.folder}, split {opened.split_name}", error) from error


def _version(builder: Any) -> str:
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


def _keys(builder: Any) -> tuple[str, str]:
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
                f"{kind.__name__}; it has {listing}; choose a classification data set"
            )
    return image_key, label_key


def _credit(builder: Any) -> str:
    licence = getattr(builder.info.redistribution_info, "license", "") or ""
    text = f"TFDS {builder.info.full_name}; {builder.info.homepage or ''} {licence}"
    return " ".join(text.split()).rstrip("; ")
