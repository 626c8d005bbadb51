"""A folder of images with one folder per class.

Two layouts:
- split folders: DIR/train/cat/1.jpg, DIR/val/cat/2.jpg, DIR/test/cat/3.jpg; `val` may be called
  valid or validation; without val or test, `lqjax.data.loading` holds images out.
- one folder: DIR/cat/1.jpg, split by seed.

Folders below a class folder belong to the class. Hidden files, `Thumbs.db` and the like are
ignored, and so are files that are not named as images; those are counted in the notes. Links that
lead out of the folder are refused unless `data.allow_outside` is set; see `lqjax.data.borders`.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.borders import Borders, name_trouble
from lqjax.data.pictures import SUFFIXES, open_picture
from lqjax.data.presence import FOLDER, LINK, NO_REGULAR_FILE, kind_of, kind_of_entry
from lqjax.data.source import SOURCES, Catalogue, Listing, file_version, one_line

SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Name of the split -> names that its folder may have, in any case."""

SYSTEM_FILES = ("thumbs.db", "desktop.ini")
SYSTEM_FOLDERS = ("__macosx",)


@dataclass
class _Files:
    """The image files of one split with their classes, in the order of their paths."""

    folder: Path
    paths: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)


@SOURCES.register("folder")
def list_folder(settings: DataConfig) -> Catalogue:
    """List a folder of images. Example ids are the paths below it: "test/cat/0001.jpg".

    Raises:
      ValueError: the folder or its images are missing, a class is empty or missing from a split.
    """
    if not settings.path:
        raise ValueError("data.path is empty; set it to a folder with one folder per class")
    root = Path(settings.path).expanduser()
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; set data.path to one with a folder per class")
    try:
        folders = _split_folders(root)
        borders = Borders(str(root), settings.allow_outside)
        skip = settings.on_bad_image == "skip"
        files = {part: _scan(folder, borders, skip) for part, folder in folders.items()}
    except OSError as error:  # no permission, a disk that fails
        raise ValueError(
            f"{root}: cannot be listed ({one_line(error)}); make it readable"
        ) from error
    class_names = _common_classes(files)
    return Catalogue(
        name=root.resolve().name,
        splits={
            part: _listing(root, found, class_names, settings.image_size)
            for part, found in files.items()
        },
        class_names=class_names,
        channels=0,
        notes=(*_unused_folders(root, folders), *_unused_files(files)),
        skipped=tuple(entry for found in files.values() for entry in found.skipped),
    )


def _split_folders(root: Path) -> dict[str, Path]:
    """Find the split folders; a root without a train folder is one split."""
    found: dict[str, Path] = {}
    for folder in _subfolders(root):
        for part, names in SPLIT_FOLDERS.items():
            if folder.name.lower() not in names:
                continue
            if part in found:
                raise ValueError(
                    f"{root}: both {found[part].name} and {folder.name} are there for the {part} "
                    "split; keep one"
                )
            found[part] = folder
    if "train" in found and _subfolders(found["train"]):
        return {part: found[part] for part in SPLIT_FOLDERS if part in found}
    if found and len(found) == len(_subfolders(root)):
        raise ValueError(
            f"{root}: has {', '.join(f.name for f in found.values())} but no folder train with "
            "one folder per class; add it, or give the folder that holds the classes"
        )
    return {"train": root}


def _subfolders(folder: Path) -> list[Path]:
    visible = [f for f in folder.iterdir() if not _hidden(f.name) and f.is_dir()]
    return sorted(visible, key=lambda f: f.name)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in (*SYSTEM_FILES, *SYSTEM_FOLDERS)


def _scan(folder: Path, borders: Borders, skip: bool) -> _Files:
    """List the images of every class folder, in the order of their paths."""
    found = _Files(folder)
    borders.enter(str(folder))
    classes = _subfolders(folder)
    if not classes:
        raise ValueError(
            f"{folder}: has no class folders; sort the images into one folder per class"
        )
    for class_folder in classes:
        if trouble := name_trouble(str(class_folder)):
            raise ValueError(f"{_shown(str(class_folder))}: {trouble}")
        paths, others = _images_below(str(class_folder), borders)
        if not paths:
            there = f", only {_kinds(others)}" if others else ""
            raise ValueError(
                f"{class_folder}: no images in this class folder{there}; add images "
                f"({', '.join(SUFFIXES)}), or remove the folder"
            )
        good, bad = _well_named(paths, skip)
        if not good:  # the class would be gone
            raise ValueError(
                f"{class_folder}: no image in this class folder has a name that can be written, as"
                f" {bad[0][0]} cannot; rename them, or remove the folder"
            )
        found.paths += good
        found.classes += [class_folder.name] * len(good)
        found.skipped += bad
        found.ignored += others
    return found


def _images_below(top: str, borders: Borders) -> tuple[list[str], Counter[str]]:
    """Find the images below a folder, sorted; count the other files by suffix."""
    paths, others, folders = [], Counter[str](), [top]
    borders.enter(top)
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                kind = kind_of_entry(entry)
                is_link = kind == LINK
                if is_link:
                    kind = kind_of(entry.path, follow=True)
                if kind == FOLDER:
                    borders.enter(entry.path)
                    folders.append(entry.path)
                    continue
                suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 (Path: 10 x here)
                if suffix not in SUFFIXES:
                    others[suffix or "without suffix"] += 1
                elif kind == NO_REGULAR_FILE:  # a pipe would keep its reader waiting for ever
                    others[f"{suffix} that are no regular files"] += 1
                else:  # a link to nowhere is a bad image, named when it is read
                    if is_link:
                        borders.check(entry.path)
                    paths.append(entry.path)
    return sorted(paths), others


def _well_named(paths: list[str], skip: bool) -> tuple[list[str], list[tuple[str, str]]]:
    """Part the paths that can be written into results from the others, with reasons.

    Raises:
      ValueError: there are others, and they are not to be skipped.
    """
    bad = {path: trouble for path in paths if (trouble := name_trouble(path))}
    if bad and not skip:
        path, trouble = next(iter(bad.items()))
        raise ValueError(
            f"{_shown(path)}: {trouble}, or leave such images out with data.on_bad_image=skip"
        )
    good = [path for path in paths if path not in bad] if bad else paths
    return good, [(_shown(path), trouble) for path, trouble in bad.items()]


def _shown(path: str) -> str:
    """Write a path so that every screen and file takes it, in one line."""
    return path.encode("unicode_escape", "replace").decode() if name_trouble(path) else path


def _common_classes(files: dict[str, _Files]) -> tuple[str, ...]:
    """Give the classes in alphabetical order; every split must have all of them."""
    present = {part: set(found.classes) for part, found in files.items()}
    every = sorted(set().union(*present.values()))
    for part, classes in present.items():
        for name in every:
            if name not in classes:
                holder = next(files[other].folder for other in files if name in present[other])
                raise ValueError(
                    f"{files[part].folder / name}: no such class folder, but {holder / name} is "
                    "there; every split needs every class: add images or remove the class"
                )
    return tuple(every)


def _listing(root: Path, files: _Files, class_names: tuple[str, ...], size: int) -> Listing:
    numbers = {name: number for number, name in enumerate(class_names)}
    start = len(str(root / "x")) - 1
    return Listing(
        ids=np.asarray([path[start:].replace(os.sep, "/") for path in files.paths]),
        labels=np.asarray([numbers[name] for name in files.classes]),
        names=files.paths,
        read=lambda row: open_picture(files.paths[row], size),
        version=lambda row: file_version(files.paths[row]),
        files=files.paths,
    )


def _unused_folders(root: Path, folders: dict[str, Path]) -> tuple[str, ...]:
    """Name what stands beside the split folders: a mistyped one would go unnoticed."""
    if folders["train"] == root:
        return ()
    names = [folder.name for folder in _subfolders(root) if folder not in folders.values()]
    return (f"ignored the folders beside the splits: {', '.join(names)}",) if names else ()


def _unused_files(files: dict[str, _Files]) -> tuple[str, ...]:
    ignored = sum((found.ignored for found in files.values()), Counter[str]())
    if not ignored:
        return ()
    return (f"ignored {ignored.total()} files not named as images ({_kinds(ignored)})",)


def _kinds(suffixes: Counter[str]) -> str:
    return ", ".join(f"{number} {suffix}" for suffix, number in suffixes.most_common())
