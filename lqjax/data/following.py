"""A data set as a manifest says: the same examples, in the same splits or folds, with its labels.

Ids are all that the two have to share. So it does not matter where the files lie, nor which source
lists them, as long as their bytes are the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.contents import UNKNOWN
from lqjax.data.csv_columns import first_and_count
from lqjax.data.manifest import CONTENT, LEFT_OUT, PARTS, SETTING, Manifest, read_manifest
from lqjax.data.pooling import POOL, pool_splits
from lqjax.data.source import Catalogue, Listing
from lqjax.data.weighting import as_stored
from lqjax.typing import taken


def manifest_for(settings: DataConfig) -> Manifest | None:
    """Read the manifest that the settings name; `None` without one.

    Raises:
      ValueError: it cannot be read, or has other folds than the settings; one line.
    """
    if not settings.manifest:
        return None
    manifest = read_manifest(settings.manifest)
    if manifest.folds != settings.folds:
        there = f"{manifest.folds} folds" if manifest.by_fold else "splits and no folds"
        raise ValueError(
            f"{SETTING}={settings.manifest} has {there}, and data.folds={settings.folds}; set"
            f" data.folds={manifest.folds}"
        )
    return manifest


def follow(
    manifest: Manifest, listed: Catalogue, settings: DataConfig
) -> tuple[Catalogue, dict[str, Listing], dict[str, int] | None]:
    """Take splits or folds, labels, groups, weights and the order of examples from a manifest.

    Args:
      manifest: what to follow.
      listed: what a source found.
      settings: that name the manifest.

    Returns:
      The data set, with folds as one split `POOL`; what is left out, as a split of its own, if
      there is any; and with folds the fold of each id.

    Raises:
      ValueError: an example of either is not there in the other; one line.
    """
    path, pool = settings.manifest, pool_splits(listed).splits[POOL]
    rows = {str(name): row for row, name in enumerate(pool.ids)}
    wanted = manifest.places != LEFT_OUT
    _check_members(manifest, wanted, rows, listed.name, path)
    parts = {POOL: wanted} if manifest.by_fold else {p: manifest.places == p for p in PARTS}
    there = np.isin(manifest.ids, list(rows))  # what was left out may be gone
    splits, changed = {}, list[str]()
    for part, of_part in {**parts, LEFT_OUT: ~wanted & there}.items():
        chosen = np.flatnonzero(of_part)
        if not len(chosen):
            continue
        own = pool.pick(np.asarray([rows[name] for name in manifest.ids[chosen].tolist()]))
        changed += _changed(own.labels, listed, manifest, chosen)
        groups, weights = taken(manifest.groups, chosen), taken(manifest.weights, chosen)
        splits[part] = dataclasses.replace(
            own,
            labels=manifest.labels[chosen],
            groups=own.groups if groups is None else groups,
            weights=own.weights if weights is None else weights,
        )
    left_out = {LEFT_OUT: _unchecked(splits.pop(LEFT_OUT))} if LEFT_OUT in splits else {}
    notes = [*listed.notes, f"{'folds' if manifest.by_fold else 'splits'} and labels are of {path}"]
    if changed:
        notes.append(
            f"of {first_and_count(changed)} the label is that of {path}, and another one in"
            f" {listed.name}"
        )
    names = manifest.class_names
    made = dataclasses.replace(listed, splits=splits, class_names=names, notes=tuple(notes))
    if not manifest.by_fold:
        return made, left_out, None
    ids, places = manifest.ids[wanted].tolist(), manifest.places[wanted].tolist()
    return made, left_out, {name: int(place) for name, place in zip(ids, places, strict=True)}


def _unchecked(listing: Listing) -> Listing:
    """Round weights as those in use are, that they are written alike; nobody asks more of them."""
    if listing.weights is None:
        return listing
    return dataclasses.replace(listing, weights=as_stored(listing.weights))


def _check_members(
    manifest: Manifest,
    wanted: np.ndarray,
    rows: Mapping[str, int],
    name: str,
    path: str,
) -> None:
    needed = manifest.ids[wanted].tolist()
    missing = [one for one in needed if one not in rows]
    if missing:
        raise ValueError(
            f"{SETTING}={path}: of its {len(needed):,} examples {name} lacks"
            f" {first_and_count(missing)}; give the images that it was made with, or leave"
            f" {SETTING} empty to split anew"
        )
    unknown = sorted(set(rows) - set(manifest.ids.tolist()), key=lambda one: rows[one])
    if unknown:
        raise ValueError(
            f"{SETTING}={path}: of the {len(rows):,} examples of {name} it does not have"
            f" {first_and_count(unknown)}; remove them, or leave {SETTING} empty to split anew"
        )


def _changed(
    labels: np.ndarray, listed: Catalogue, manifest: Manifest, rows: np.ndarray
) -> list[str]:
    """Name the examples that a source has in another class."""
    before = np.asarray(listed.class_names, object)[labels.astype(np.int64)]
    now = np.asarray(manifest.class_names, object)[manifest.labels[rows]]
    return manifest.ids[rows][(before != now).astype(bool)].tolist()


def refuse_missing_classes(listed: Catalogue, fold_of: Mapping[str, int] | None, path: str) -> None:
    """Refuse a manifest in which a class is missing from a split, or from a fold.

    Args:
      listed, fold_of: from `follow`.

    Raises:
      ValueError: one line that names the class and where it is missing.
    """
    for part, listing in listed.splits.items():
        if fold_of is None:
            parts = {f"the {part} split": listing.labels}
        else:
            numbers = np.asarray([fold_of[str(name)] for name in listing.ids])
            parts = {f"fold {fold}": listing.labels[numbers == fold] for fold in np.unique(numbers)}
        for where, labels in parts.items():
            counts = np.bincount(labels, minlength=len(listed.class_names))
            if not counts.all():
                raise ValueError(
                    f"{SETTING}={path}: {where} has no example of the class"
                    f" {listed.class_names[int(np.argmin(counts))]!r}, and needs one of every"
                    " class; move one there, or take the class away, lines and images"
                )


def refuse_changed(manifest: Manifest, contents: Mapping[str, str], path: str) -> None:
    """Refuse pictures whose bytes are not those of a manifest, or that have none any more.

    Args:
      contents: digest by id; what has none in the manifest, or is left out by it, is not compared.

    Raises:
      ValueError: one line that names the first and counts them.
    """
    used = set(manifest.ids[manifest.places != LEFT_OUT].tolist())
    unread = [name for name in manifest.content_of() if contents.get(name) == UNKNOWN]
    if lost := [name for name in unread if name in used]:
        raise ValueError(
            f"{SETTING}={path}: of its {len(manifest):,} examples {first_and_count(lost)} cannot be"
            " read or has no bytes; give the images that it was made with, or take their lines away"
        )
    changed = [
        name
        for name, content in manifest.content_of().items()
        if contents.get(name) and contents[name] != content
    ]
    if changed:
        raise ValueError(
            f"{SETTING}={path}: of its {len(manifest):,} examples {first_and_count(changed)}"
            " changed since it was written; give the images that it was made with, or empty their"
            f" cells of the column {CONTENT!r} to take them as they are"
        )
