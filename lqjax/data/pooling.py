"""All splits as one, and one fold of it: what cross-validation trains and tests on."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.folds import fold_numbers
from lqjax.data.source import Catalogue, Listing

POOL = "pooled"


def pool_splits(listed: Catalogue) -> Catalogue:
    """Join all splits into one, `POOL`."""
    return dataclasses.replace(listed, splits={POOL: _joined(list(listed.splits.values()))})


def take_folds(listed: Catalogue, settings: DataConfig) -> Iterator[Catalogue]:
    """Give one fold after the other as the test split, and the others as its training split.

    Args:
      listed: from `pool_splits`.

    Raises:
      ValueError: a class has fewer examples, or groups, than there are folds.
    """
    pool, folds = listed.splits[POOL], settings.folds
    _check_counts(listed, pool, folds)
    numbers = fold_numbers(pool.labels, pool.ids, folds, settings.split_seed, pool.groups)
    by = "by group" if pool.groups is not None else "stratified"
    for fold in range(folds):
        test = numbers == fold
        note = (
            f"fold {fold + 1} of {folds}: {int(test.sum()):,} of {len(pool):,} images are"
            f" tested ({by}, data.split_seed={settings.split_seed})"
        )
        splits = {"train": pool.take(~test), "test": pool.take(test)}
        yield dataclasses.replace(listed, splits=splits, notes=(*listed.notes, note))


def _joined(parts: Sequence[Listing]) -> Listing:
    ends = list(accumulate(map(len, parts)))

    def place(row: int) -> tuple[Listing, int]:
        number = bisect.bisect_right(ends, row)
        return parts[number], row - (ends[number] - len(parts[number]))

    def read(row: int):  # type: ignore[no-untyped-def]
        part, own = place(row)
        return part.read(own)

    def version(row: int) -> str:
        part, own = place(row)
        return part.version(own)

    groups = [part.groups for part in parts]
    return Listing(
        ids=np.concatenate([part.ids for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        names=[name for part in parts for name in part.names],
        read=read,
        version=version,
        groups=None if any(g is None for g in groups) else np.concatenate(groups),  # type: ignore[arg-type]
    )


def _check_counts(listed: Catalogue, pool: Listing, folds: int) -> None:
    what = "image" if pool.groups is None else "group"
    units = pool.ids if pool.groups is None else pool.groups
    for number, name in enumerate(listed.class_names):
        count = len(np.unique(units[pool.labels == number]))
        if count < folds:
            raise ValueError(
                f"class {name!r} of {listed.name} has {count} {what}(s), too few for"
                f" data.folds={folds}; use at most {count} folds, or remove the class"
            )
