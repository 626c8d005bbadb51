"""The filter that an audit writes: which examples are kept."""

from __future__ import annotations

import dataclasses

import numpy as np

from lqjax.data.csv_columns import first_and_count, read_columns
from lqjax.data.source import Catalogue

SETTING = "data.keep"
ID, KEEP = "id", "keep"
KEPT, LEFT_OUT = "1", "0"


def keep_only(listed: Catalogue, path: str) -> Catalogue:
    """Leave out the examples that a file `id,keep,...` says 0 of; all as they are without one.

    Args:
      listed: what a source found.
      path: of the file; empty for none.

    Raises:
      ValueError: an example that the file does not have, an id that stands there twice, or a value
        that is neither 0 nor 1; one line. Ids of the file that the data do not have are no mistake.
    """
    if not path:
        return listed
    kept = _read(path)
    every = [str(name) for listing in listed.splits.values() for name in listing.ids]
    unknown = [name for name in every if name not in kept]
    if unknown:
        raise ValueError(
            f"{path} says nothing of {first_and_count(unknown)} of {len(every):,} examples; audit"
            f" these data (--mode=audit) and give its keep.csv as {SETTING}, or leave {SETTING}"
            " empty"
        )
    splits, left_out = {}, 0
    for part, listing in listed.splits.items():
        chosen = np.asarray([kept[str(name)] for name in listing.ids], bool)
        left_out += int((~chosen).sum())
        if not chosen.any():
            raise ValueError(f"{path} leaves out all images of the {part} split; keep some of them")
        splits[part] = listing if chosen.all() else listing.take(chosen)
    note = f"left out {left_out:,} of {len(every):,} images by {SETTING}"
    return dataclasses.replace(listed, splits=splits, notes=(*listed.notes, note))


def _read(path: str) -> dict[str, bool]:
    columns = read_columns(path, SETTING, (ID, KEEP))
    kept: dict[str, bool] = {}
    for name, value in zip(columns[ID], columns[KEEP], strict=True):
        if value not in (KEPT, LEFT_OUT):
            raise ValueError(
                f"{path}: keep of {name!r} is {value!r}; allowed: {KEPT} (keep) or {LEFT_OUT}"
            )
        if name in kept:
            raise ValueError(f"{path} has the id {name!r} twice; each has one line")
        kept[name] = value == KEPT
    return kept
