"""What every example is for, decided before anything is decoded: left out, a split, or a fold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.borders import name_trouble
from lqjax.data.contents import Known, find_contents, versions_of
from lqjax.data.duplicates import ERROR, IGNORE, Duplicates, find_duplicates
from lqjax.data.folds import grouped_part
from lqjax.data.following import follow, manifest_for, refuse_changed, refuse_missing_classes
from lqjax.data.grouping import fold_notes, split_notes, whence_groups, with_groups
from lqjax.data.keeping import keep_only
from lqjax.data.manifest import PARTS, Manifest, manifest_of
from lqjax.data.pooling import (
    POOL,
    deal_folds,
    fold_name,
    how_dealt,
    pool_splits,
    refuse_partial,
    take_folds,
)
from lqjax.data.source import Catalogue, Listing
from lqjax.data.splits import stratified_limit, stratified_part
from lqjax.data.weighting import weight_notes, with_checked_weights


@dataclass(frozen=True)
class Choice:
    """What is used of a data set.

    Attributes:
      folds: the three splits of each fold; of one where there are none.
      read: what is decoded, by part: the splits, or all that some fold has.
      manifest: all examples, and what each is for.
      versions: sums up which files the digests in it are of.
      duplicates: pictures that are there more than once; none with `data.duplicates=ignore`.
    """

    folds: tuple[Catalogue, ...]
    read: Mapping[str, Listing]
    manifest: Manifest
    versions: str
    duplicates: Duplicates


def choose(found: Catalogue, settings: DataConfig, known: Known) -> Choice:
    """Decide what is used of what a source found, and look at the bytes of that.

    Args:
      known: digests that an earlier run has found.

    Raises:
      ValueError: labels, ids, groups, weights or classes that cannot be used; a manifest or a
        filter that does not fit; duplicates, where they are refused. One line.
    """
    _check_labels(found)
    every = with_groups(with_checked_weights(found), settings.group_pattern)
    _check_ids(every)
    if settings.folds:
        refuse_partial(every)
    listed, given, fold_of = every, manifest_for(settings), None
    if given is not None:
        listed, left_out, fold_of = follow(given, every, settings)
        refuse_missing_classes(listed, fold_of, settings.manifest)
        listed = with_checked_weights(listed)
        every = dataclasses.replace(listed, splits={**listed.splits, **left_out})
    listed = keep_only(listed, settings.keep)
    whence = whence_groups(settings, given)
    if settings.folds:
        listed = pool_splits(listed)
        pool = listed.splits[POOL]
        numbers = deal_folds(listed, settings, fold_of)
        listed = _with_notes(listed, fold_notes(pool, numbers, settings, whence))
        folds = [_with_all_splits(fold, settings) for fold in take_folds(listed, settings, numbers)]
        read = {POOL: _used(pool, folds)}
        places = [(numbers.astype(str), pool)]
    else:
        listed = _with_notes(listed, split_notes(listed, settings, whence))
        folds = [_with_all_splits(listed, settings)]
        read = {part: folds[0].splits[part] for part in PARTS}
        places = [(np.full(len(listing), part), listing) for part, listing in read.items()]
    contents = find_contents(read, settings, known)
    if given is not None:
        refuse_changed(given, contents, settings.manifest)
    manifest = manifest_of(every, places, contents, settings.folds > 0)
    duplicates = _looked_for(manifest, settings)
    notes = (*weight_notes(listed), *duplicates.notes())
    folds = [_with_notes(fold, notes) for fold in folds]
    return Choice(tuple(folds), read, manifest, versions_of(read), duplicates)


def splits_to_look_at(found: Catalogue, settings: DataConfig) -> Catalogue:
    """Return the splits or folds as they would be used, but of all examples: without filter.

    Folds are splits that are called as `fold_name` does. A split that cannot be held out is not,
    and folds that cannot be made are not; a note warns of it. Nothing is read.

    Raises:
      ValueError: labels, ids, groups or a manifest that cannot be used; one line.
    """
    _check_labels(found)
    listed = with_groups(found, settings.group_pattern)
    _check_ids(listed)
    if settings.folds:
        refuse_partial(listed)
    given, fold_of = manifest_for(settings), None
    if given is not None:
        listed, _, fold_of = follow(given, listed, settings)
    whence = whence_groups(settings, given)
    if settings.folds:
        pooled = pool_splits(listed)
        try:
            numbers = deal_folds(pooled, settings, fold_of)
        except ValueError as error:
            listed = _with_notes(listed, [f"warning: {error}"])
        else:
            notes = fold_notes(pooled.splits[POOL], numbers, settings, whence)
            return _folds_to_look_at(_with_notes(pooled, notes), settings, numbers)
    listed = _with_notes(listed, split_notes(listed, settings, whence))
    listed, errors = _with_possible_splits(listed, settings)
    return _limit(_with_notes(listed, errors), settings)


def _folds_to_look_at(pooled: Catalogue, settings: DataConfig, numbers: np.ndarray) -> Catalogue:
    """Make a split of what is tested in each fold; without what no fold has, because of a limit."""
    pool, ids, errors = pooled.splits[POOL], [], list[str]()
    for fold in take_folds(pooled, settings, numbers):
        made, refused = _with_possible_splits(fold, settings)
        limited = _limit(made, settings)
        ids += [listing.ids for listing in limited.splits.values()]
        errors += refused
    used = np.isin(pool.ids, np.unique(np.concatenate(ids)))
    splits = {
        fold_name(fold): pool.take(used & (numbers == fold)) for fold in range(settings.folds)
    }
    notes = [f"{settings.folds} folds ({how_dealt(pool, settings)})", *dict.fromkeys(errors)]
    if not used.all():
        notes.append(f"limited all folds to {int(used.sum()):,} of {len(pool):,} images")
    return _with_notes(dataclasses.replace(pooled, splits=splits), notes)


def _with_possible_splits(listed: Catalogue, settings: DataConfig) -> tuple[Catalogue, list[str]]:
    """Hold out the splits that are not there where that can be done, and say why not elsewhere."""
    errors = []
    for part in ("test", "validation"):
        try:
            listed = _hold_out(listed, settings, part)
        except ValueError as error:
            errors.append(f"warning: {error}")  # training will refuse it
    return listed, errors


def _with_notes(listed: Catalogue, notes: Iterable[str]) -> Catalogue:
    return dataclasses.replace(listed, notes=(*listed.notes, *notes))


def _looked_for(manifest: Manifest, settings: DataConfig) -> Duplicates:
    if settings.duplicates == IGNORE:
        return Duplicates(manifest, ())
    duplicates = find_duplicates(manifest)
    if settings.duplicates == ERROR:
        duplicates.refuse()
    return duplicates


def _with_all_splits(listed: Catalogue, settings: DataConfig) -> Catalogue:
    """Hold out the splits that are not there, and apply the limits."""
    for part in ("test", "validation"):
        listed = _hold_out(listed, settings, part)
    return _limit(listed, settings)


def _used(pool: Listing, folds: Sequence[Catalogue]) -> Listing:
    """Leave out what no fold has, because of a limit."""
    ids = [fold.splits[part].ids for fold in folds for part in PARTS]
    used = np.isin(pool.ids, np.unique(np.concatenate(ids)))
    return pool if used.all() else pool.take(used)


def _check_labels(listed: Catalogue) -> None:
    for number, name in enumerate(listed.class_names):
        if trouble := name_trouble(name):
            raise ValueError(f"{listed.name}: class {number} cannot be written: {trouble}")
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
            groups, count = listed.splits["train"].groups, int(of_class.sum())
            if groups is None:
                there, fix = f"{count} image{'' if count == 1 else 's'} left", "add images"
            else:
                units = len(np.unique(groups[of_class]))
                there = f"images of {units} group{'' if units == 1 else 's'} left"
                fix = f"add groups, make data.{part}_fraction larger"
            raise ValueError(
                f"class {name!r} of {listed.name} has {there}, too few to hold one out as the"
                f" {part} split; {fix}, or remove the class"
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


def _check_ids(listed: Catalogue) -> None:
    ids = np.concatenate([listing.ids for listing in listed.splits.values()])
    unique, counts = np.unique(ids, return_counts=True)
    if len(unique) != len(ids):
        raise ValueError(
            f"{listed.name} has the example id '{unique[np.argmax(counts)]}' twice; ids must be "
            "unique: rename one"
        )
