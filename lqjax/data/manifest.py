"""Which examples a run uses, and for what: a file to repeat it on the very same ones.

manifest.csv has one line an example, in the order in which the run has them:
id, split (or fold), label, class, group, weight, content. The split or fold is empty where the
example is left out, by a limit or by `data.keep`; the content, a digest of the bytes, is empty
where they were not read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.data.contents import CONTENT_DIGEST_BYTES, UNKNOWN
from lqjax.data.csv_columns import csv_bytes, parse_columns, read_file
from lqjax.data.source import Catalogue, Listing

SETTING = "data.manifest"
FILE_NAME = "manifest.csv"

ID, SPLIT, FOLD = "id", "split", "fold"
LABEL, CLASS, GROUP, WEIGHT, CONTENT = "label", "class", "group", "weight", "content"

PARTS = ("train", "validation", "test")
LEFT_OUT = ""
FEWEST_IN_A_FOLD = 2
"""Examples: one of each class, of which there are two at least."""

DIGEST = re.compile(f"[0-9a-f]{{{2 * CONTENT_DIGEST_BYTES}}}")


@dataclass(frozen=True)
class Manifest:
    """The examples of a data set and what each is for.

    Attributes:
      ids: unique, (examples,).
      places: names of the splits, or numbers of the folds as texts; `LEFT_OUT` for neither.
      labels: class indices, (examples,).
      class_names: one per class, in label order.
      contents: digests, (examples,); `UNKNOWN` where there is none.
      groups, weights: as in `lqjax.typing.Split`.
      by_fold: whether the places are folds.
    """

    ids: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    contents: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None
    by_fold: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def folds(self) -> int:
        """How many there are; 0 where the places are splits."""
        return len(set(self.places.tolist()) - {LEFT_OUT}) if self.by_fold else 0

    def content_of(self) -> dict[str, str]:
        """Map each id to its digest, where there is one."""
        pairs = zip(self.ids.tolist(), self.contents.tolist(), strict=True)
        return {name: content for name, content in pairs if content != UNKNOWN}

    def to_bytes(self) -> bytes:
        """Write as CSV."""
        header = (ID, FOLD if self.by_fold else SPLIT, LABEL, CLASS, GROUP, WEIGHT, CONTENT)
        columns = (
            self.ids.tolist(),
            self.places.tolist(),
            map(str, self.labels.tolist()),
            (self.class_names[label] for label in self.labels.tolist()),
            [""] * len(self) if self.groups is None else self.groups.tolist(),
            [""] * len(self) if self.weights is None else map(str, self.weights),
            self.contents.tolist(),
        )
        return csv_bytes(header, zip(*columns, strict=True))


def manifest_of(
    every: Catalogue,
    used: Sequence[tuple[np.ndarray, Listing]],
    contents: Mapping[str, str],
    by_fold: bool = False,
) -> Manifest:
    """Write down what is used of a data set, and what is left out.

    Args:
      every: all examples that there are.
      used: examples and the place of each, in order.
      contents: digest by id.
    """
    found = {name for _, listing in used for name in listing.ids.tolist()}
    left = [
        listing.take(np.asarray([name not in found for name in listing.ids.tolist()], bool))
        for listing in every.splits.values()
        if len(found) < sum(map(len, every.splits.values()))
    ]
    parts = [*used, *((np.full(len(listing), LEFT_OUT), listing) for listing in left)]
    parts = [(places, listing) for places, listing in parts if len(listing)]
    ids = np.concatenate([listing.ids.astype(str) for _, listing in parts])
    return Manifest(
        ids=ids,
        places=np.concatenate([places for places, _ in parts]),
        labels=np.concatenate([listing.labels for _, listing in parts]).astype(np.int64),
        class_names=every.class_names,
        contents=np.asarray([contents.get(name, UNKNOWN) for name in ids.tolist()], str),
        groups=_joined([listing.groups for _, listing in parts]),
        weights=_joined([listing.weights for _, listing in parts]),
        by_fold=by_fold,
    )


def _joined(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [part for part in parts if part is not None]
    return np.concatenate(there) if len(there) == len(parts) else None


def read_manifest(path: str) -> Manifest:
    """Read a manifest; errors as for `parse_manifest`, and where the file is missing."""
    return parse_manifest(f"{SETTING}={path}", read_file(path, SETTING))


def parse_manifest(path: str, content: bytes) -> Manifest:
    """Read the content of a manifest.

    Args:
      path: what to call it.

    Raises:
      ValueError: a line of it is not what it should be; one line.
    """
    columns = parse_columns(
        path, content, SETTING, (ID, LABEL, CLASS, CONTENT), (SPLIT, FOLD, GROUP, WEIGHT)
    )
    if (SPLIT in columns) == (FOLD in columns):
        raise ValueError(f"{path} needs a column {SPLIT!r} or a column {FOLD!r}, one of the two")
    by_fold = FOLD in columns
    places = columns[FOLD if by_fold else SPLIT]
    ids = columns[ID]
    name, count = Counter(ids).most_common(1)[0] if ids else ("", 0)
    if count > 1:
        raise ValueError(f"{path} has the id {name!r} {count} times; each has one line")
    _check_places(path, ids, places, by_fold)
    labels, class_names = _classes(path, ids, columns[LABEL], columns[CLASS])
    for name, digest in zip(ids, columns[CONTENT], strict=True):
        if digest != UNKNOWN and not DIGEST.fullmatch(digest):
            raise ValueError(
                f"{path}: content of {name!r} is {digest!r:.80}; it must be"
                f" {2 * CONTENT_DIGEST_BYTES} hexadecimal digits, or empty"
            )
    return Manifest(
        ids=np.asarray(ids, str),
        places=np.asarray(places, str),
        labels=labels,
        class_names=class_names,
        contents=np.asarray(columns[CONTENT], str),
        groups=_all_or_none(path, ids, places, columns.get(GROUP, []), GROUP),
        weights=_weights(path, ids, places, columns.get(WEIGHT, [])),
        by_fold=by_fold,
    )


def _check_places(path: str, ids: list[str], places: list[str], by_fold: bool) -> None:
    used = [place for place in places if place != LEFT_OUT]
    there = set(used)
    allowed = {str(number) for number in range(len(there))} if by_fold else set(PARTS)
    for name, place in zip(ids, places, strict=True):
        if place == LEFT_OUT or place in allowed:
            continue
        if by_fold:
            gap = min(map(int, allowed - there))
            raise ValueError(
                f"{path}: {FOLD} of {name!r} is {place!r:.80}, and none is {gap}; folds are"
                " numbered 0, 1, 2 without gaps, or empty where an example is left out"
            )
        raise ValueError(
            f"{path}: {SPLIT} of {name!r} is {place!r:.80}; allowed: {', '.join(PARTS)}, or empty"
            " where it is left out"
        )
    if by_fold and len(allowed) < 2:
        raise ValueError(f"{path} has {len(allowed)} folds; 2 or more are needed")
    if by_fold and len(used) < FEWEST_IN_A_FOLD * len(allowed):
        raise ValueError(
            f"{path} deals {len(used):,} examples out to {len(allowed):,} folds; each fold is"
            " tested by itself and needs one of every class"
        )
    if not by_fold and "train" not in places:
        raise ValueError(f"{path} has no example of the train split; name another file")


def _classes(
    path: str, ids: list[str], labels: list[str], names: list[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    known: dict[str, str] = {}
    for name, label, class_name in zip(ids, labels, names, strict=True):
        if not re.fullmatch(r"[0-9]{1,9}", label):
            raise ValueError(f"{path}: label of {name!r} is {label!r:.80}, no whole number from 0")
        if known.setdefault(str(int(label)), class_name) != class_name:
            raise ValueError(
                f"{path}: label {label} is class {known[str(int(label))]!r} and, at {name!r},"
                f" {class_name!r}; each label has one class"
            )
    missing = [str(label) for label in range(len(known)) if str(label) not in known]
    if missing:
        raise ValueError(f"{path}: no example has the label {missing[0]}; there may be no gaps")
    if len(set(known.values())) != len(known):
        raise ValueError(f"{path}: two labels have the same class; each class has one label")
    return (
        np.asarray([int(label) for label in labels], np.int64),
        tuple(known[str(label)] for label in range(len(known))),
    )


def _all_or_none(
    path: str, ids: list[str], places: list[str], values: list[str], what: str
) -> np.ndarray | None:
    """Give a column that all examples have that are not left out; `None` where none has it."""
    if not any(values):
        return None
    for name, place, value in zip(ids, places, values, strict=True):
        if not value and place != LEFT_OUT:
            raise ValueError(
                f"{path}: {what} of {name!r} is empty, and others have one; fill it, or empty the"
                " whole column"
            )
    return np.asarray(values, str)


def _weights(path: str, ids: list[str], places: list[str], values: list[str]) -> np.ndarray | None:
    texts = _all_or_none(path, ids, places, values, WEIGHT)
    if texts is None:
        return None
    weights = np.ones(len(texts))  # those of what is left out do not matter
    for row, text in enumerate(texts.tolist()):
        if text:
            try:
                weights[row] = float(text)
            except ValueError:
                raise ValueError(
                    f"{path}: weight of {ids[row]!r} is {text!r:.80}, no number"
                ) from None
    return weights
