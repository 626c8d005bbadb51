"""Which examples belong together, told by their ids."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator

import numpy as np

from lqjax.data.source import Catalogue, Listing


def with_groups(listed: Catalogue, pattern: str) -> Catalogue:
    """Give each example the group that a pattern finds in its id; all as they are without one.

    Args:
      listed: what a source found; ids are such as "train/cat/p012_3.png".
      pattern: regular expression with a bracket around what names the group.

    Raises:
      ValueError: it finds nothing in an id.
    """
    if not pattern:
        return listed
    splits = {part: _grouped(listing, pattern) for part, listing in listed.splits.items()}
    made = dataclasses.replace(listed, splits=splits)
    return dataclasses.replace(made, notes=(*listed.notes, *_notes(made)))


def _grouped(listing: Listing, pattern: str) -> Listing:
    search, names = re.compile(pattern).search, []
    for row, name in enumerate(listing.ids):
        found = search(str(name))
        if not found or not found[1]:
            raise ValueError(
                f"{listing.names[row]}: data.group_pattern={pattern!r} finds no group in its id"
                f" {str(name)!r}; change the pattern, or leave it empty"
            )
        names.append(found[1])
    return dataclasses.replace(listing, groups=np.asarray(names))


def _notes(listed: Catalogue) -> Iterator[str]:
    """Say how many groups there are, and which stand in two splits that the data came with."""
    found = {p: set(listing.groups.tolist()) for p, listing in listed.splits.items()}  # type: ignore[union-attr]
    yield f"{len(set().union(*found.values())):,} groups of images by data.group_pattern"
    for first, second in itertools.combinations(found, 2):
        both = found[first] & found[second]
        if both:
            yield (
                f"warning: {len(both):,} groups ({min(both)}, ...) have images in the {first} and"
                f" the {second} split of the data: what is measured will be too good; data.folds"
                " makes splits that keep groups together"
            )
