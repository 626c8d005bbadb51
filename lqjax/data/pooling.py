"""All splits as one, and one fold of it: what cross-validation trains and tests on."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.folds import fold_numbers
from lqjax.data.source import Catalogue, Listing
from lqjax.textlists import enumeration

POOL = "pooled"


def pool_splits(listed: Catalogue) -> Catalogue:
    """Join all splits into one, `POOL`."""
    return dataclasses.replace(listed, splits={POOL: _joined(list(listed.splits.values()))})


def refuse_partial(listed: Catalogue) -> None:
    """Refuse groups and weights that some splits have and others lack: pooled, they would be lost.

    Raises:
      ValueError: one line that names the splits.
    """
    for kind, remedy in (
        ("groups", "one of its own to an image that belongs to no other"),
        ("weights", "1 to an image that counts once"),
    ):
        having = {part: getattr(one, kind) is not None for part, one in listed.splits.items()}
        if len(set(having.values())) > 1:
            there, lacking = (
                enumeration([part for part, has in having.items() if has == wanted])
                for wanted in (True, False)
            )
            raise ValueError(
                f"{listed.name}: {kind} are there in {there}, not in {lacking}, and data.folds"
                f" pools all splits; let the source give them everywhere ({remedy}), or nowhere"
            )


def deal_folds(
    listed: Catalogue, settings: DataConfig, given: Mapping[str, int] | None = None
) -> np.ndarray:
    """Say which fold each example is tested in.

    Args:
      listed: from `pool_splits`.
      given: fold by id, where that is settled.

    Returns:
      whole numbers in [0, `settings.folds`), (examples,).

    Raises:
      ValueError: a class has fewer examples, or groups, than there are folds.
    """
    pool, folds = listed.splits[POOL], settings.folds
    if given is not None:
        return np.asarray([given[str(name)] for name in pool.ids], np.int64)
    _check_counts(listed, pool, folds)
    return fold_numbers(pool.labels, pool.ids, folds, settings.split_seed, pool.groups)


def how_dealt(pool: Listing, settings: DataConfig) -> str:
    """Say what decided which fold each example is tested in."""
    by = "by group" if pool.groups is not None else "stratified"
    return "data.manifest" if settings.manifest else f"{by}, data.split_seed={settings.split_seed}"


def fold_name(fold: int) -> str:
    """Call a fold, numbered from 0, as people do: from 1."""
    return f"fold {fold + 1}"


def take_folds(listed: Catalogue, settings: DataConfig, numbers: np.ndarray) -> Iterator[Catalogue]:
    """Give one fold after the other as the test split, and the others as its training split.

    Args:
      listed: from `pool_splits`.
      numbers: the fold of each example.
    """
    pool, folds = listed.splits[POOL], settings.folds
    how = how_dealt(pool, settings)
    for fold in range(folds):
        test = numbers == fold
        note = (
            f"{fold_name(fold)} of {folds}: {int(test.sum()):,} of {len(pool):,} images are"
            f" tested ({how})"
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

    def content(row: int) -> bytes:
        part, own = place(row)
        return part.content(own)

    return Listing(
        ids=np.concatenate([part.ids for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        names=[name for part in parts for name in part.names],
        read=read,
        version=version,
        groups=_joined_values([part.groups for part in parts]),
        weights=_joined_values([part.weights for part in parts]),
        content=content,
        files=[file for part in parts for file in part.files],
        encoded=all(part.encoded for part in parts),
    )


def _joined_values(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    return None if any(part is None for part in parts) else np.concatenate(parts)  # type: ignore[arg-type]


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
