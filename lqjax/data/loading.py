"""The front door to data: list a source, choose what is used, decode it, check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.cache import remember_colour
from lqjax.data.choosing import choose
from lqjax.data.chunks import ColourFoundError
from lqjax.data.contents import Known
from lqjax.data.decoding import decode
from lqjax.data.duplicates import Duplicates
from lqjax.data.manifest import PARTS, Manifest
from lqjax.data.pooling import POOL
from lqjax.data.selected import SelectedImages
from lqjax.data.source import SOURCES, Catalogue
from lqjax.typing import Dataset, Split, taken

Decoded = tuple[dict[str, Split], list[tuple[str, str]]]
"""Splits by name, and (name, reason) of what was skipped."""


@dataclass(frozen=True)
class Loaded:
    """A data set as it was loaded.

    Attributes:
      datasets: one for each fold; one where there are no folds.
      pool: all images that some fold has, whose rows the splits of `datasets` are: their images
        are `SelectedImages` of it. `None` without folds.
      manifest: all examples, and what each is for.
      versions: sums up which files the digests in it are of.
      duplicates: pictures that are there more than once.
    """

    datasets: tuple[Dataset, ...]
    pool: Split | None
    manifest: Manifest
    versions: str
    duplicates: Duplicates


def load_dataset(settings: DataConfig, fold: int = 0) -> Dataset:
    """Load the data set that the settings name, with all three splits.

    Args:
      settings: of the data.
      fold: which one is tested, below `settings.folds`; of no meaning without folds.

    Returns:
      Images uint8, (examples, image_size, image_size, 1 or 3), prepared by the rules of
      `lqjax.data.pictures`; labels int32; unique ids. Where `channels` is 0, pictures of which
      none has colour give one channel. What was done beyond reading stands in `notes`, what was
      left out in `skipped`.

    Raises:
      ValueError: unknown source, or data that cannot be used; one line that names the file or
        setting and the fix.
    """
    return load_folds(settings).datasets[fold]


def nothing_known(versions: str) -> Mapping[str, str]:
    """Know no digest of an earlier run."""
    return {}


def load_folds(settings: DataConfig, known: Known = nothing_known) -> Loaded:
    """Load all folds of a data set, each image once; without folds the splits that there are.

    Result and errors as for `load_dataset`.

    Args:
      known: digests of the pictures that an earlier run has found.
    """
    settings = settings.sized()
    if settings.channels == 2:
        raise ValueError("data.channels=2: use 0 (as the data has them), 1 (grey) or 3 (colour)")
    found = SOURCES[settings.source](settings)
    chosen = choose(dataclasses.replace(found, name=settings.name or found.name), settings, known)
    about = chosen.manifest, chosen.versions, chosen.duplicates
    first = dataclasses.replace(chosen.folds[0], splits=chosen.read)
    splits, skipped = _decode(first, settings, tuple(chosen.read))
    if not settings.folds:
        return Loaded((_dataset(first, splits, skipped),), None, *about)
    made = tuple(_of_pool(fold, splits[POOL], skipped) for fold in chosen.folds)
    return Loaded(made, splits[POOL], *about)


def _of_pool(listed: Catalogue, pool: Split, skipped: Sequence[tuple[str, str]]) -> Dataset:
    """Make the data set of a fold from the images that all of them share."""
    reasons, order = dict(skipped), np.argsort(pool.ids)
    splits, own = {}, []
    for part in PARTS:
        listing = listed.splits[part]
        own += [(name, reasons[name]) for name in listing.names if name in reasons]
        wanted = listing.ids[np.isin(listing.ids, pool.ids)] if skipped else listing.ids
        rows = order[np.searchsorted(pool.ids, wanted, sorter=order)]
        images = cast(np.ndarray, SelectedImages(pool.images, rows))  # it reads like one
        groups, weights = taken(pool.groups, rows), taken(pool.weights, rows)
        splits[part] = Split(images, pool.labels[rows], pool.ids[rows], groups, weights)
    return _dataset(listed, splits, own)


def describe(dataset: Dataset) -> str:
    """Say in a few lines what was loaded: sizes, classes, notes, what was skipped."""
    sizes = ", ".join(f"{len(getattr(dataset, part)):,} {part}" for part in PARTS)
    lines = [
        f"{dataset.name}: {sizes} images of {dataset.image_size} px, {dataset.channels} "
        f"channel{'s' if dataset.channels > 1 else ''}, {dataset.num_classes} classes",
        *dataset.notes,
    ]
    if dataset.skipped:
        lines.append(f"skipped {len(dataset.skipped)} unusable images:")
        lines += [f"  {name}: {reason}" for name, reason in dataset.skipped]
    return "\n".join(lines)


def _decode(listed: Catalogue, settings: DataConfig, parts: Sequence[str]) -> Decoded:
    """Decode all splits, with the channels asked for or found."""
    channels = settings.channels or listed.channels
    if channels:
        return _decode_as(listed, settings, parts, channels, only_grey=False)
    try:
        return _decode_as(listed, settings, parts, 1, only_grey=True)
    except ColourFoundError:
        for part in parts:
            remember_colour(listed.splits[part], settings, f"{part} images")
    return _decode_as(listed, settings, parts, 3, only_grey=False)


def _decode_as(
    listed: Catalogue, settings: DataConfig, parts: Sequence[str], channels: int, only_grey: bool
) -> Decoded:
    splits: dict[str, Split] = {}
    skipped: list[tuple[str, str]] = []
    for part in parts:
        title = f"{part} images"
        splits[part], bad = decode(listed.splits[part], settings, channels, title, only_grey)
        skipped += bad
    return splits, skipped


def _dataset(
    listed: Catalogue, splits: Mapping[str, Split], skipped: Sequence[tuple[str, str]]
) -> Dataset:
    made = Dataset(
        name=listed.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=listed.class_names,
        skipped=(*listed.skipped, *skipped),
        credit=listed.credit,
        notes=listed.notes,
    )
    _check_classes(made)
    return made


def _check_classes(dataset: Dataset) -> None:
    """Refuse a split in which some class has no image."""
    for part in PARTS:
        split: Split = getattr(dataset, part)
        counts = np.bincount(split.labels, minlength=dataset.num_classes)
        if not counts.all():
            name = dataset.class_names[int(np.argmin(counts))]
            raise ValueError(
                f"class {name!r} of {dataset.name} has no usable image in the {part} split; add "
                "images, or remove the class everywhere"
            )
