"""The front door to data: list a source, hold out missing splits, limit, decode, check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.cache import remember_colour
from lqjax.data.chunks import ColourFoundError
from lqjax.data.decoding import decode
from lqjax.data.folds import grouped_part
from lqjax.data.grouping import with_groups
from lqjax.data.pooling import POOL, pool_splits, take_folds
from lqjax.data.selected import SelectedImages
from lqjax.data.source import SOURCES, Catalogue, Listing
from lqjax.data.splits import stratified_limit, stratified_part
from lqjax.typing import Dataset, Split

PARTS = ("train", "validation", "test")
Decoded = tuple[dict[str, Split], list[tuple[str, str]]]
"""Splits by name, and (name, reason) of what was skipped."""


@dataclass(frozen=True)
class Loaded:
    """A data set as it was loaded.

    Attributes:
      datasets: one for each fold; one where there are no folds.
      pool: all images that some fold has, whose rows the splits of `datasets` are: their images
        are `SelectedImages` of it. `None` without folds.
    """

    datasets: tuple[Dataset, ...]
    pool: Split | None = None


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


def load_folds(settings: DataConfig) -> Loaded:
    """Load all folds of a data set, each image once; without folds the splits that there are.

    Result and errors as for `load_dataset`.
    """
    if settings.channels == 2:
        raise ValueError("data.channels=2: use 0 (as the data has them), 1 (grey) or 3 (colour)")
    listed = SOURCES[settings.source](settings)
    listed = dataclasses.replace(listed, name=settings.name or listed.name)
    _check_labels(listed)
    listed = with_groups(listed, settings.group_pattern)
    if not settings.folds:
        chosen = _choose(listed, settings)
        splits, skipped = _decode(chosen, settings, PARTS)
        return Loaded((_dataset(chosen, splits, skipped),))
    listed = pool_splits(listed)
    folds = [_choose(fold, settings) for fold in take_folds(listed, settings)]
    pool = _used(listed.splits[POOL], folds)
    splits, skipped = _decode(dataclasses.replace(listed, splits={POOL: pool}), settings, (POOL,))
    return Loaded(tuple(_of_pool(fold, splits[POOL], skipped) for fold in folds), splits[POOL])


def _choose(listed: Catalogue, settings: DataConfig) -> Catalogue:
    """Decide what is in each of the three splits, before anything is decoded."""
    for part in ("test", "validation"):
        listed = _hold_out(listed, settings, part)
    _check_ids(listed)
    return _limit(listed, settings)


def _used(pool: Listing, folds: Sequence[Catalogue]) -> Listing:
    """Leave out what no fold has, because of a limit."""
    ids = [fold.splits[part].ids for fold in folds for part in PARTS]
    used = np.isin(pool.ids, np.unique(np.concatenate(ids)))
    return pool if used.all() else pool.take(used)


def _of_pool(listed: Catalogue, pool: Split, skipped: Sequence[tuple[str, str]]) -> Dataset:
    """Make the data set of a fold from the images that all of them share."""
    reasons, order = dict(skipped), np.argsort(pool.ids)
    splits, own = {}, []
    for part in PARTS:
        listing = listed.splits[part]
        own += [(name, reasons[name]) for name in listing.names if name in reasons]
        wanted = listing.ids[np.isin(listing.ids, pool.ids)] if skipped else listing.ids
        rows = order[np.searchsorted(pool.ids, wanted, sorter=order)]
        groups = None if pool.groups is None else pool.groups[rows]
        images = cast(np.ndarray, SelectedImages(pool.images, rows))  # it reads like one
        splits[part] = Split(images, pool.labels[rows], pool.ids[rows], groups)
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


def _check_labels(listed: Catalogue) -> None:
    if len(listed.class_names) < 2:
        raise ValueError(
            f"{listed.name} has {len(listed.class_names)} class ({', '.join(listed.class_names)});"
            " at least 2 are needed to classify"
        )
    for listing in listed.splits.values():
        wrong = (listing.labels < 0) | (listing.labels >= len(listed.class_names))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{listing.names[row]}: label {int(listing.labels[row])} is out of range; labels "
                f"must be 0 to {len(listed.class_names) - 1}: correct or remove it"
            )


def _hold_out(listed: Catalogue, settings: DataConfig, part: str) -> Catalogue:
    """Take a split that the data does not have from the training split."""
    if part in listed.splits:
        return listed
    share = getattr(settings, f"{part}_fraction")
    if not share:
        raise ValueError(
            f"data.{part}_fraction=0, but {listed.name} has no {part} split; "
            f"set data.{part}_fraction above 0"
        )
    source = listed.splits["train"]
    if source.groups is None:
        chosen = stratified_part(source.labels, source.ids, share, settings.split_seed, part)
    else:
        chosen = grouped_part(source.labels, source.groups, share, settings.split_seed, part)
    _check_held_out(listed, chosen, part)
    by = "stratified" if source.groups is None else "by group"
    note = (
        f"held out {int(chosen.sum()):,} of {len(source):,} images as the {part} split "
        f"({by}, data.split_seed={settings.split_seed})"
    )
    splits = {**listed.splits, "train": source.take(~chosen), part: source.take(chosen)}
    return dataclasses.replace(listed, splits=splits, notes=(*listed.notes, note))


def _check_held_out(listed: Catalogue, chosen: np.ndarray, part: str) -> None:
    for number, name in enumerate(listed.class_names):
        of_class = listed.splits["train"].labels == number
        if not (chosen & of_class).any() or not (~chosen & of_class).any():
            raise ValueError(
                f"class {name!r} of {listed.name} has {int(of_class.sum())} image(s) left, too "
                f"few to hold one out as the {part} split; add images or remove the class"
            )


def _limit(listed: Catalogue, settings: DataConfig) -> Catalogue:
    """Keep at most so many examples of each split, before any is decoded."""
    splits: dict[str, Listing] = {}
    notes = list(listed.notes)
    for part, listing in listed.splits.items():
        setting = "train" if part == "train" else "test"
        limit = getattr(settings, f"{setting}_limit")
        kept = stratified_limit(listing.labels, listing.ids, limit, settings.split_seed, setting)
        splits[part] = listing if kept.all() else listing.take(kept)
        if not kept.all():
            notes.append(f"limited the {part} split to {limit:,} of {len(listing):,} images")
    return dataclasses.replace(listed, splits=splits, notes=tuple(notes))


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


def _check_ids(listed: Catalogue) -> None:
    ids = np.concatenate([listed.splits[part].ids for part in PARTS])
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) != len(ids):
        raise ValueError(
            f"{listed.name} has the example id '{unique[np.argmax(counts)]}' twice; ids must be "
            "unique: rename one"
        )


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
