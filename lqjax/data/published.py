"""Test pictures as a published set has them, each paired with the test image that it shows.

The data sets of TFDS lie in an order that follows from the keys of their examples: a picture and
its corrupted version have the same key, and so the same record number. Test images from elsewhere
are found by their number in the published test set, or by their file name. However they are found,
every label has to agree.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.decoding import decode
from lqjax.data.published_records import NamedRecords, PublishedRecords
from lqjax.data.source import Listing
from lqjax.data.tfds_builder import find_keys, prepared_builder, quiet
from lqjax.data.tfds_records import Opened, open_records
from lqjax.imaging.published import PublishedPictures, PublishedSet
from lqjax.typing import Split

LISTED = 5
"""How many of the configs that are missing an error names."""


class _Found(NamedTuple):
    """The records of a config, and the names of their features."""

    opened: Opened
    image_key: str
    label_key: str


class PublishedReader:
    """Published sets in a folder, for the test images of one data set.

    Args:
      settings: of the data that the test images are from.
      folder: where the sets lie; empty: in the directory of `settings.path`, or that of TFDS.
    """

    def __init__(self, settings: DataConfig, folder: str = "") -> None:
        beside = settings.path.partition("@")[2] if settings.source == "tfds" else ""
        self._settings, self._folder = settings, folder or beside
        self._records = PublishedRecords(settings)

    def check(self, wanted: Iterable[PublishedPictures], split: Split) -> None:
        """Make sure that pictures are there and can be paired, before anything is computed.

        Labels are compared when the pictures are read.

        Raises:
          ValueError: a config is not prepared or damaged, or there is no pairing; one line.
        """
        missing: list[tuple[str, ValueError]] = []
        with quiet():
            for pictures in wanted:
                try:
                    found = self._open(pictures)
                except ValueError as error:
                    missing.append((pictures.text, error))
                else:
                    self._rows(pictures.set, split.ids, found.opened)
        if missing:
            others = [name for name, _ in missing[1 : LISTED + 1]]
            more = "" if len(missing) <= LISTED + 1 else " and others"
            rest = f" (missing too: {', '.join(others)}{more})" if others else ""
            raise ValueError(f"{missing[0][0]}: {missing[0][1]}{rest}") from missing[0][1]

    def read(self, pictures: PublishedPictures, split: Split, *, keep: bool = True) -> Split:
        """Read the pictures that show the examples of a split, or of a part of it.

        Args:
          pictures: which to read.
          split: test images; the pictures get their size, channels and order.
          keep: decode into `cache_dir` where that is set.

        Returns:
          The same examples with the published pictures.

        Raises:
          ValueError: the pictures are not there or damaged, cannot be paired, or an example has
            another label there; one line.
        """
        cache_dir = self._settings.cache_dir if keep else ""
        settings = dataclasses.replace(
            self._settings, name=pictures.set.name, on_bad_image="error", cache_dir=cache_dir
        )
        with quiet():
            opened, image_key, label_key = self._open(pictures)
            rows = self._rows(pictures.set, split.ids, opened)
            _check_labels(pictures, split, self._records.labels(opened, label_key, rows))
            if pictures.set.named and self._settings.source != "tfds":
                records = NamedRecords(opened.undecoded, self._records.names(opened))
                opened = dataclasses.replace(opened, undecoded=records)
            listing = Listing(
                ids=split.ids,
                labels=split.labels,
                names=[f"{opened.folder}: record {opened.split_name}/{row}" for row in rows],
                read=lambda row: opened.picture(rows[row], image_key, settings.image_size),
                version=lambda row: f"{opened.dataset} {rows[row]} {opened.version}",
            )
            title = f"{pictures.corruption}-{pictures.level or 1} images"
            made, _ = decode(listing, settings, split.images.shape[3], title)
        return dataclasses.replace(split, images=made.images)

    def _open(self, pictures: PublishedPictures) -> _Found:
        builder = prepared_builder(pictures.dataset, self._folder)
        image_key, label_key = find_keys(builder)
        name = pictures.set.split
        if name not in builder.info.splits:
            raise ValueError(
                f"{builder.data_dir} has no split {name}, only"
                f" {', '.join(sorted(builder.info.splits)) or 'none'}; prepare it again"
            )
        opened = open_records(builder, {name: name}, image_key)[name]
        opened = dataclasses.replace(opened, dataset=pictures.dataset)
        return _Found(opened, image_key, label_key)

    def _rows(self, of: PublishedSet, ids: Sequence[Any] | np.ndarray, opened: Opened) -> list[int]:
        """Find the records of examples."""
        texts, count = [str(i) for i in ids], len(opened.undecoded)
        source = self._settings.source
        if source == "tfds":
            name = re.split("[/:]", self._settings.path.partition("@")[0])[0]
            if name != of.of:
                raise _unpaired(of, f"data.path names {name}", f"name {of.of}")
            rows = _numbers(of, texts, of.split)
        elif of.named:
            rows = _by_key(of, [_file(text) for text in texts], self._records.names(opened))
        elif source == "npz":
            rows = _by_key(of, _numbers(of, texts, "test"), _shuffled(of.split, count))
        else:
            rows = _by_key(
                of, [_only_number(of, text) for text in texts], _shuffled(of.split, count)
            )
        beyond = [text for text, row in zip(texts, rows, strict=True) if row >= count]
        if beyond:
            why = f"{opened.folder} has {count:,} pictures, and none of {beyond[0]}"
            raise _unpaired(of, why, f"test on the {of.split} images of {of.of} as published")
        if len(set(rows)) < len(set(texts)):
            raise _unpaired(of, "several test images are called alike", _fix(of))
        return rows


def _check_labels(pictures: PublishedPictures, split: Split, labels: np.ndarray) -> None:
    wrong = np.flatnonzero(labels != split.labels)
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"{pictures.text}: {wrong.size:,} of {len(split):,} pictures have another label than"
            f" the test image that they stand for (first {split.ids[row]}:"
            f" {int(labels[row])} in place of {int(split.labels[row])}); {_fix(pictures.set)}"
        )


def _numbers(of: PublishedSet, ids: Sequence[str], split: str) -> list[int]:
    """Read the record numbers out of ids such as "test/17"."""
    parts = [text.rpartition("/") for text in ids]
    others = sorted({name for name, _, _ in parts} - {split})
    if others:
        fix = f"test on {split} as it was published, without folds"
        if split != "test":
            fix += f": data.test_split={split}"
        raise _unpaired(of, f"the test images are of the split {', '.join(others)}", fix)
    return [int(number) for _, _, number in parts]


def _by_key(of: PublishedSet, keys: Sequence[Any], known: Sequence[Any]) -> list[int]:
    rows = {key: row for row, key in enumerate(known)}
    missing = [key for key in keys if key not in rows]
    if missing:
        raise _unpaired(of, f"it has no picture of {missing[0]}", _fix(of))
    return [rows[key] for key in keys]


def _shuffled(split: str, count: int) -> list[int]:
    """Give the numbers of examples in the order in which TFDS writes them.

    Source: tensorflow_datasets/core/shuffle.py: by the MD5 of split name and key (hashing.py).
    """
    hashes = [hashlib.md5(f"{split}{number}".encode()).digest() for number in range(count)]
    return sorted(range(count), key=hashes.__getitem__)


def _file(text: str) -> str:
    return PurePosixPath(text).name


def _only_number(of: PublishedSet, text: str) -> int:
    numbers = re.findall(r"\d+", PurePosixPath(text).stem)
    if len(numbers) != 1:
        raise _unpaired(of, f"{text} does not say which picture of {of.of} it is", _fix(of))
    return int(numbers[0])


def _fix(of: PublishedSet) -> str:
    kept = "keep their file names" if of.named else "are numbered as published, from 0"
    return f"use {of.of} of TFDS (data.source=tfds), or test images that {kept}"


def _unpaired(of: PublishedSet, why: str, fix: str) -> ValueError:
    return ValueError(f"{of.name} cannot be paired with the test images: {why}; {fix}")


ReadPublished = Callable[[PublishedPictures, Split], Split]
"""Gives some test images as a published set has them."""
