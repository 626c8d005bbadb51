"""An index of pictures: a CSV or Parquet file with a path and a label a line.

Columns: path, label, and where they are there split, group (a patient) and weight; settings name
them. Paths start from the folder of the index, or from `data.root`. Without a column of splits,
and for a split that it does not have, `lqjax.data.loading` holds images out.
"""

from __future__ import annotations

import itertools
import math
import os
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.borders import Borders, name_trouble
from lqjax.data.folder import SPLIT_FOLDERS
from lqjax.data.index_columns import REQUIRED, IndexColumns
from lqjax.data.index_csv import read_csv
from lqjax.data.index_parquet import read_parquet
from lqjax.data.pictures import open_picture
from lqjax.data.presence import FILE, LINK, kind_of, kinds_of
from lqjax.data.source import SOURCES, Catalogue, Listing, file_version, one_line

READERS = {".csv": read_csv, ".tsv": read_csv, ".txt": read_csv, ".parquet": read_parquet}
"""Suffix of the index -> what reads it."""

LONGEST_PATH = 4096
"""Characters. Source: PATH_MAX of Linux."""

LONGEST_TEXT = 200
"""Characters of a label or group, which appear in tables and reports."""

SHOWN = ("label", "group")
"""What appears there, so that it has to be printable."""

NAMES_SHOWN = 10
"""Classes that the note on their order names."""

LARGEST_WEIGHT = float(np.finfo(np.float32).max)

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


@SOURCES.register("table")
def list_table(settings: DataConfig) -> Catalogue:
    """List the pictures of an index. Example ids are the paths as written there, with "/".

    Raises:
      ValueError: the index or what a line of it names is missing or cannot be used; the line is
        named.
    """
    path, root = _index_file(settings), _root(settings)
    try:
        columns = READERS[path.suffix.lower()](path, settings)
    except OSError as error:  # no permission, a disk that fails
        raise ValueError(f"{path}: cannot be read ({one_line(error)}); make it readable") from error
    _check_cells(columns)
    ids = _ids(columns, root, settings.allow_outside)
    files, missing = _files(columns, ids, root, settings)
    class_names, labels = _numbered(columns)
    whole = Listing(
        ids=np.asarray(ids),
        labels=labels,
        names=files,
        read=lambda row: open_picture(files[row], settings.image_size),
        version=lambda row: file_version(files[row]),
        groups=np.asarray(columns.cells["group"]) if "group" in columns.cells else None,
        weights=_weights(columns),
        files=files,
    )
    there = np.asarray([row not in missing for row in range(len(ids))])
    splits = _splits(columns, whole, there)
    if not (settings.folds or settings.manifest):  # those make splits of their own
        _check_classes(splits, class_names, path)
    return Catalogue(
        name=path.stem,
        splits=splits,
        class_names=class_names,
        channels=0,
        notes=tuple(_notes(columns, class_names)),
        skipped=tuple((files[row], reason) for row, reason in missing.items()),
        absent=_absent(columns, whole, ~there),
    )


def _index_file(settings: DataConfig) -> Path:
    allowed = ", ".join(READERS)
    if not settings.path:
        raise ValueError(f"data.path is empty; set it to the index of the pictures ({allowed})")
    path = Path(settings.path).expanduser()
    if path.suffix.lower() not in READERS:
        raise ValueError(f"{path}: the name of an index ends in {allowed}; rename it")
    if not path.is_file():
        raise ValueError(f"{path}: no such file; set data.path to the index of the pictures")
    return path


def _root(settings: DataConfig) -> Path:
    root = Path(settings.root or Path(settings.path).parent).expanduser()
    if not root.is_dir():
        raise ValueError(f"data.root={root}: no such folder; set it to where the paths start")
    return root


def _check_cells(columns: IndexColumns) -> None:
    """Refuse empty and overlong cells, and labels that results cannot hold."""
    if not len(columns):
        raise ValueError(f"{columns.file}: names no pictures; add a {columns.unit} for each")
    for kind, texts in columns.cells.items():
        longest = LONGEST_PATH if kind == "path" else LONGEST_TEXT
        for row, text in enumerate(texts):
            if not text:
                fix = "fill it" if kind in REQUIRED else f"fill it, or set data.{kind}_column="
                raise ValueError(f"{columns.place(row)}: the {kind} is empty; {fix}")
            if len(text) > longest:
                raise ValueError(
                    f"{columns.place(row)}: the {kind} has {len(text):,} characters; use at most"
                    f" {longest:,}"
                )
            if kind in SHOWN and (trouble := name_trouble(text)):
                raise ValueError(f"{columns.place(row)}: the {kind} cannot be written: {trouble}")


def _ids(columns: IndexColumns, root: Path, allow_outside: bool) -> list[str]:
    """Write the paths with "/"; refuse those that leave the folder or name a file again."""
    start = os.path.abspath(root)  # noqa: PTH100 (links are not resolved)
    ids: list[str] = []
    rows: dict[str, int] = {}
    for row, text in enumerate(columns.cells["path"]):
        name = text.replace("\\", "/")
        plain = posixpath.normpath(name)
        if trouble := name_trouble(name):
            raise ValueError(f"{columns.place(row)}: {trouble}")
        if not allow_outside and _leaves(plain):
            raise ValueError(
                f"{columns.place(row)}: the path {name!r} does not stay in the folder; set"
                " data.root and write paths from there, or allow it with data.allow_outside=true"
            )
        # With paths from anywhere allowed, some may come back to the folder.
        whole = posixpath.normpath(posixpath.join(start, name)) if allow_outside else plain
        first = rows.setdefault(whole, row)
        if first != row:
            raise ValueError(
                f"{columns.place(row)}: the path {name!r} is that of {columns.unit}"
                f" {columns.numbers[first]}; remove one of the two"
            )
        ids.append(name)
    return ids


def _leaves(path: str) -> bool:
    beyond = path == ".." or path.startswith("../")
    return beyond or path.startswith("/") or bool(PureWindowsPath(path).drive)


def _files(
    columns: IndexColumns, ids: Sequence[str], root: Path, settings: DataConfig
) -> tuple[list[str], dict[int, str]]:
    """Find the files of all rows.

    Returns:
      Their paths; and row -> reason of those that are not there, where such are skipped.
    """
    files = [os.path.join(root, name) for name in ids]  # noqa: PTH118 (Path costs 10 x here)
    kinds = kinds_of(files)
    borders = Borders(str(root), settings.allow_outside)
    for folder in dict.fromkeys(posixpath.dirname(name) for name in ids):
        borders.check(str(root / folder))
    for row, kind in enumerate(kinds):
        if kind == LINK:
            borders.check(files[row])
            kinds[row] = kind_of(files[row], follow=True)
    missing = {
        row: f"{columns.place(row)}: {kind}" for row, kind in enumerate(kinds) if kind != FILE
    }
    if missing and settings.on_bad_image == "error":
        row = next(iter(missing))
        others = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise ValueError(
            f"{missing[row]}: {files[row]}{others}; correct the path, set data.root to where"
            " paths start, or leave such pictures out with data.on_bad_image=skip"
        )
    if len(missing) == len(ids):
        raise ValueError(
            f"{missing[0]}: {files[0]}, nor any other that is named; set data.root to where the"
            " paths start"
        )
    return files, missing


def _numbered(columns: IndexColumns) -> tuple[tuple[str, ...], np.ndarray]:
    """Give the classes in order, whole numbers as numbers, and each row's place among them."""
    texts = columns.cells["label"]
    names = sorted(set(texts))
    if _are_numbers(names):
        names.sort(key=int)
        for one, other in itertools.pairwise(names):
            if int(one) == int(other):
                row = texts.index(other)
                raise ValueError(
                    f"{columns.place(row)}: the label {other!r} is the number of the label"
                    f" {one!r}; write both alike"
                )
    numbers = {name: number for number, name in enumerate(names)}
    return tuple(names), np.asarray([numbers[text] for text in texts])


def _are_numbers(names: Sequence[str]) -> bool:
    return all(WHOLE_NUMBER.fullmatch(name) for name in names)


def _weights(columns: IndexColumns) -> np.ndarray | None:
    if "weight" not in columns.cells:
        return None
    values = []
    for row, text in enumerate(columns.cells["weight"]):
        try:
            values.append(float("nan" if "_" in text else text))
        except ValueError:
            values.append(math.nan)
        if not 0 < values[-1] <= LARGEST_WEIGHT:
            raise ValueError(
                f"{columns.place(row)}: the weight is {text!r}; use a number greater than 0,"
                " written as 0.5; leave pictures out with data.keep"
            )
    return np.asarray(values, np.float32)


def _splits(columns: IndexColumns, whole: Listing, there: np.ndarray) -> dict[str, Listing]:
    """Take the rows of every split of which the file is there."""
    if "split" not in columns.cells:
        return {"train": whole if there.all() else whole.take(there)}
    named = _named_splits(columns)
    if not (there & (named == "train")).any():
        raise ValueError(
            f"{columns.file}: has no picture of the split train; name some, or set"
            " data.split_column= to have splits made here"
        )
    return {
        part: whole.take(there & (named == part))
        for part in SPLIT_FOLDERS
        if part in set(named.tolist())
    }


def _absent(columns: IndexColumns, whole: Listing, missing: np.ndarray) -> dict[str, Listing]:
    """Take the rows of every split of which the file is missing."""
    if not missing.any():
        return {}
    if "split" not in columns.cells:
        return {"train": whole.take(missing)}
    named = _named_splits(columns)
    found = {part: whole.take(missing & (named == part)) for part in SPLIT_FOLDERS}
    return {part: listing for part, listing in found.items() if len(listing)}


def _named_splits(columns: IndexColumns) -> np.ndarray:
    """Give the split of each row by its name here."""
    known = {name: part for part, names in SPLIT_FOLDERS.items() for name in names}
    parts = []
    for row, text in enumerate(columns.cells["split"]):
        if text.lower() not in known:
            raise ValueError(
                f"{columns.place(row)}: unknown split {text!r}; use {', '.join(known)}"
            )
        parts.append(known[text.lower()])
    return np.asarray(parts)


def _check_classes(splits: dict[str, Listing], class_names: Sequence[str], path: Path) -> None:
    for part, listing in splits.items():
        counts = np.bincount(listing.labels, minlength=len(class_names))
        if not counts.all():
            raise ValueError(
                f"{path}: no picture of the class {class_names[int(np.argmin(counts))]!r} is in the"
                f" split {part}; every split needs every class: add pictures, remove the class, or"
                " set data.split_column= to have splits made here"
            )


def _notes(columns: IndexColumns, class_names: Sequence[str]) -> list[str]:
    """Say in which order the classes are, and what was not read."""
    by = "number" if _are_numbers(class_names) else "name"
    shown = ", ".join(class_names[:NAMES_SHOWN])
    more = ", ..." if len(class_names) > NAMES_SHOWN else ""
    notes = [f"{len(class_names)} classes in the order of their {by}: {shown}{more}"]
    if columns.unused:
        notes.append(f"columns that are not used: {', '.join(columns.unused)}")
    return notes
