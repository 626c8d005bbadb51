"""Which examples belong together, told by the data, by their ids or by a manifest."""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lqjax.config import DataConfig
from lqjax.data.manifest import Manifest
from lqjax.data.source import Catalogue, Listing

INVISIBLE = "Cf"
"""Category of Unicode: marks that format a text, such as spaces without width."""

WHOLE_NUMBER = re.compile(r"0*([0-9]+)(?:\.0+)?")


def with_groups(listed: Catalogue, pattern: str) -> Catalogue:
    """Give each example the group that a pattern finds in its id; all as they are without one.

    Args:
      listed: what a source found; ids are such as "train/cat/p012_3.png".
      pattern: regular expression with a bracket around what names the group.

    Raises:
      ValueError: it finds nothing in an id, or the data have groups of their own.
    """
    own = any(listing.groups is not None for listing in listed.splits.values())
    if own and pattern:
        raise ValueError(
            f"data.group_pattern={pattern!r}, but {listed.name} has groups of its own (of a table:"
            " data.group_column); leave one of the two empty"
        )
    if own or not pattern:
        return listed
    splits = {part: _grouped(listing, pattern) for part, listing in listed.splits.items()}
    return dataclasses.replace(listed, splits=splits)


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


def whence_groups(settings: DataConfig, given: Manifest | None) -> str:
    """Say where the groups of a data set come from."""
    if given is not None and given.groups is not None:
        return f"of {settings.manifest}"
    return "by data.group_pattern" if settings.group_pattern else "of the data"


def split_notes(listed: Catalogue, settings: DataConfig, whence: str) -> Iterator[str]:
    """Say how many groups there are, and which stand in two splits.

    Args:
      listed: with the splits that the data or a manifest gives. Those that are held out later keep
        groups whole.
      whence: from `whence_groups`.
    """
    found = {part: _members(listing) for part, listing in listed.splits.items()}
    yield from _count(set().union(*found.values()), whence)
    for first, second in itertools.combinations(found, 2):
        where = f"the {first} and the {second} split of {settings.manifest or 'the data'}"
        yield from _warning(found[first] & found[second], where, settings)


def fold_notes(
    pool: Listing, numbers: np.ndarray, settings: DataConfig, whence: str
) -> Iterator[str]:
    """Say how many groups there are, and which stand in two folds; only a manifest has such.

    Args:
      pool: all examples.
      numbers: the fold of each.
      whence: from `whence_groups`.
    """
    yield from _count(_members(pool), whence)
    if pool.groups is not None:
        pairs = set(zip(pool.groups.tolist(), numbers.tolist(), strict=True))
        counts = Counter(group for group, _ in pairs)
        both = {group for group, count in counts.items() if count > 1}
        yield from _warning(both, f"several folds of {settings.manifest}", settings)


def _members(listing: Listing) -> set[str]:
    return set() if listing.groups is None else set(map(str, listing.groups.tolist()))


def _count(groups: set[str], whence: str) -> Iterator[str]:
    if groups:
        yield f"{len(groups):,} group{'' if len(groups) == 1 else 's'} of images {whence}"
    alike = _alike(groups)
    if alike:
        first, second, *_ = alike[0]
        more = f", and {len(alike) - 1:,} more such" if len(alike) > 1 else ""
        yield (
            f"warning: the groups {first!r} and {second!r} differ in how they are written{more}; if"
            " they are one, write them alike: they may stand in two splits"
        )


def _alike(groups: set[str]) -> list[list[str]]:
    """Find the groups that a person may take for one: P1 and p1, 7 and 07 and 7.0, spaces."""
    by_reading: dict[str, list[str]] = {}
    for group in sorted(groups):
        by_reading.setdefault(_as_read(group), []).append(group)
    return [names for names in by_reading.values() if len(names) > 1]


def _as_read(group: str) -> str:
    """Leave out of a name what a reader does not see or take for a difference."""
    plain = unicodedata.normalize("NFKC", group).casefold()
    shown = "".join(sign for sign in plain if unicodedata.category(sign) != INVISIBLE)
    words = " ".join(shown.split())
    number = WHOLE_NUMBER.fullmatch(words)
    return number[1] if number else words


def _warning(groups: set[str], where: str, settings: DataConfig) -> Iterator[str]:
    if len(groups) == 1:
        said = f"1 group ({min(groups)}) has"
    elif groups:
        said = f"{len(groups):,} groups ({min(groups)}, ...) have"
    else:
        return
    remedy = "data.folds without data.manifest" if settings.manifest else "data.folds"
    yield (
        f"warning: {said} images in {where}: what is measured will be too good; {remedy} makes"
        " splits that keep groups together"
    )
