"""A `.npz` file in the layout of MedMNIST: train_images, train_labels, val_*, test_*.

Images are uint8, (N, H, W) or (N, H, W, 3); labels whole numbers, (N,) or (N, 1). Where val_* or
test_* are missing, `lqjax.data.loading` holds them out. An optional array `class_names` names the
classes in label order. Source: https://medmnist.com
"""

from __future__ import annotations

import itertools
import math
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from lqjax.config import DataConfig
from lqjax.data.pictures import from_array
from lqjax.data.source import SOURCES, Catalogue, Listing, file_version, one_line

PARTS = {"train": "train", "validation": "val", "test": "test"}
"""Name of the split -> prefix of its arrays."""

NAMES_KEY = "class_names"

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""Version of an array's header -> what reads it."""

SHOWN = 5
"""Missing labels that a message names."""


@SOURCES.register("npz")
def list_npz(settings: DataConfig) -> Catalogue:
    """List a MedMNIST-style file. Example ids are "train/17", "val/3".

    Raises:
      ValueError: the file is missing or damaged, an array is missing, has a wrong type, shape or
        length, or the labels are no single class index.
    """
    if not settings.path:
        raise ValueError("data.path is empty; set it to a .npz file")
    path = Path(settings.path).expanduser()
    arrays = _read_arrays(path)
    return Catalogue(
        name=path.stem,
        splits={
            part: _listing(arrays, prefix, path)
            for part, prefix in PARTS.items()
            if f"{prefix}_images" in arrays
        },
        class_names=_class_names(arrays, path),
        channels=_own_channels(arrays),
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read and check every array that is used."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; set data.path to a .npz file")
    wanted = [f"{prefix}_{kind}" for prefix in PARTS.values() for kind in ("images", "labels")]
    arrays = {}
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz archive")
        with zipfile.ZipFile(path) as archive:
            there = {name.removesuffix(".npy"): name for name in archive.namelist()}
            used = {key: there[key] for key in (*wanted, NAMES_KEY) if key in there}
            _check_room(archive, list(used.values()))
            for key, name in used.items():
                arrays[key] = _read_array(archive, name)
    except Exception as error:  # zipfile, zlib and numpy fail in many ways on damaged bytes
        raise ValueError(
            f"{path}: cannot be read as .npz ({one_line(error)}); download it again, or save "
            "plain arrays with numpy.savez_compressed"
        ) from error
    for key in wanted[:2]:
        if key not in arrays:
            raise ValueError(
                f"{path}: has no array {key}; it needs train_images and train_labels, and may "
                "have val_images, val_labels, test_images, test_labels"
            )
    for prefix in PARTS.values():
        _check_pair(arrays, prefix, path)
    return arrays


def _check_room(archive: zipfile.ZipFile, names: list[str]) -> None:
    """Refuse what cannot fit in memory: a file of megabytes can unpack to terabytes."""
    needed = sum(archive.getinfo(name).file_size for name in names)
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):  # Windows
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > memory:
        raise ValueError(
            f"its arrays need {needed / 1e9:,.0f} GB, the machine has {memory / 1e9:,.0f} GB of"
            " memory"
        )


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read one array, in C order; nothing is unpickled.

    Raises:
      ValueError: it holds objects, or is not as long as its header says.
      Exception: whatever zipfile, zlib and numpy raise on damaged bytes.
    """
    with archive.open(name) as member:
        version = npy.read_magic(member)
        if version not in HEADERS:
            raise ValueError(f"{name} has a header of version {version}")
        shape, _, kind = HEADERS[version](member)
        if kind.hasobject:
            raise ValueError(f"{name} holds Python objects, which are never read")
        declared = math.prod(shape) * kind.itemsize
        there = archive.getinfo(name).file_size - member.tell()
        if declared != there:
            raise ValueError(f"{name} has {there:,} bytes where its header says {declared:,}")
    with archive.open(name) as member:
        return np.ascontiguousarray(npy.read_array(member, allow_pickle=False))


def _check_pair(arrays: dict[str, np.ndarray], prefix: str, path: Path) -> None:
    images, labels = arrays.get(f"{prefix}_images"), arrays.get(f"{prefix}_labels")
    if images is None and labels is None:
        return
    for kind, array in (("images", images), ("labels", labels)):
        if array is None:
            raise ValueError(f"{path}: has no array {prefix}_{kind}; add it, or remove its partner")
    assert images is not None and labels is not None  # said above; for the type checker
    fits = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3))
    if images.dtype != np.uint8 or not fits or 0 in images.shape[1:]:
        raise ValueError(
            f"{path}: {prefix}_images is {images.dtype} of shape {images.shape}; expected uint8, "
            "(N, H, W) or (N, H, W, 3)"
        )
    if labels.ndim == 2 and labels.shape[1] != 1:
        raise ValueError(
            f"{path}: {prefix}_labels has {labels.shape[1]} columns (several labels an image); "
            "only one class an image is supported: save one column of class indices"
        )
    if labels.dtype.kind not in "iub" or labels.ndim not in (1, 2):
        raise ValueError(
            f"{path}: {prefix}_labels is {labels.dtype} of shape {labels.shape}; expected whole "
            "numbers, (N,) or (N, 1)"
        )
    if len(images) != len(labels):
        raise ValueError(
            f"{path}: {prefix}_images has {len(images)} images but {prefix}_labels has "
            f"{len(labels)} labels; save them with equal length"
        )
    if len(images) == 0:
        raise ValueError(f"{path}: {prefix}_images is empty; fill it, or remove {prefix}_*")


def _own_channels(arrays: dict[str, np.ndarray]) -> int:
    """Give 3 where any split has colour, else 1."""
    shapes = [array.shape for key, array in arrays.items() if key.endswith("_images")]
    return max(shape[3] if len(shape) == 4 else 1 for shape in shapes)


def _listing(arrays: dict[str, np.ndarray], prefix: str, path: Path) -> Listing:
    images, labels = arrays[f"{prefix}_images"], arrays[f"{prefix}_labels"].reshape(-1)
    rows, version = range(len(images)), file_version(str(path))
    return Listing(
        ids=np.asarray([f"{prefix}/{row}" for row in rows]),
        labels=labels.astype(np.int64),
        names=[f"{path}: {prefix}_images[{row}]" for row in rows],
        read=lambda row: from_array(images[row]),
        version=lambda row: version,
        content=lambda row: images[row].tobytes(),
    )


def _class_names(arrays: dict[str, np.ndarray], path: Path) -> tuple[str, ...]:
    labels = [array for key, array in arrays.items() if key.endswith("_labels")]
    lowest, highest = min(int(a.min()) for a in labels), max(int(a.max()) for a in labels)
    named = arrays.get(NAMES_KEY)
    if named is not None and (named.ndim != 1 or named.dtype.kind not in "US"):
        raise ValueError(f"{path}: {NAMES_KEY} must be a one-dimensional array of texts")
    count = highest + 1 if named is None else len(named)
    if lowest < 0 or highest >= count:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(
            f"{path}: label {wrong} is out of range; labels must be 0 to {max(count - 1, 0)}, "
            "one index for each class"
        )
    present = set(np.unique(arrays["train_labels"]).tolist())
    absent = (number for number in range(count) if number not in present)
    empty = list(itertools.islice(absent, SHOWN))  # a stray label may be a billion
    if empty:
        raise ValueError(
            f"{path}: no training image has the label {', '.join(map(str, empty))}; number the"
            " classes that there are from 0 without gaps"
        )
    if named is None:
        return tuple(str(index) for index in range(count))
    try:
        texts = np.char.decode(named, "utf-8") if named.dtype.kind == "S" else named
    except UnicodeDecodeError:
        raise ValueError(f"{path}: {NAMES_KEY} is not UTF-8; save it as texts") from None
    if len(set(texts.tolist())) != len(texts):
        raise ValueError(f"{path}: {NAMES_KEY} has a name twice; give each class its own")
    return tuple(str(name) for name in texts)
