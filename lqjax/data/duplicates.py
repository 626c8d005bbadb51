"""The same picture more than once, byte for byte: in two splits, in two classes, or in one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lqjax.data.contents import UNKNOWN
from lqjax.data.csv_columns import csv_bytes
from lqjax.data.manifest import CLASS, CONTENT, FOLD, ID, LABEL, LEFT_OUT, SPLIT, Manifest

FILE_NAME = "duplicates.csv"
ACROSS, CONFLICT, WITHIN = "across_splits", "label_conflict", "within_split"
REPORT, ERROR, IGNORE = "report", "error", "ignore"


@dataclass(frozen=True)
class Duplicates:
    """All pictures of a data set that are there more than once.

    Attributes:
      manifest: of the data set.
      sets: rows of it that hold one picture, two or more each.
    """

    manifest: Manifest
    sets: tuple[np.ndarray, ...]

    def findings(self, rows: np.ndarray) -> list[str]:
        """Say what is wrong with a set."""
        across = len(set(self.manifest.places[rows].tolist())) > 1
        conflict = len(set(self.manifest.labels[rows].tolist())) > 1
        return [ACROSS if across else WITHIN, *([CONFLICT] if conflict else [])]

    def to_bytes(self) -> bytes:
        """Write as CSV, a line an example: the number of the set, id, split, class, findings."""
        made = self.manifest
        place = FOLD if made.by_fold else SPLIT
        lines = [
            (
                str(number),
                str(made.ids[row]),
                str(made.places[row]),
                str(made.labels[row]),
                made.class_names[made.labels[row]],
                str(made.contents[row]),
                ";".join(self.findings(rows)),
            )
            for number, rows in enumerate(self.sets, 1)
            for row in rows
        ]
        return csv_bytes(("set", ID, place, LABEL, CLASS, CONTENT, "findings"), lines)

    def notes(self) -> Iterator[str]:
        """Say what was found, a line a kind."""
        yield from self._across()
        found = [rows for rows in self.sets if CONFLICT in self.findings(rows)]
        if found:
            yield (
                f"warning: {self._count(found)} with more than one label"
                f" ({self._example(found[0], labels=True)}): one of them is wrong"
            )
        within = [rows for rows in self.sets if WITHIN in self.findings(rows)]
        if within:
            extra = sum(len(rows) - 1 for rows in within)
            place = "fold" if self.manifest.by_fold else "split"
            images = "1 image repeats" if extra == 1 else f"{extra:,} images repeat"
            yield (
                f"{images} another one of their {place}, byte for byte ({self._example(within[0])})"
            )

    def _across(self) -> Iterator[str]:
        made, too_good = self.manifest, "what is measured will be too good"
        found = [rows for rows in self.sets if ACROSS in self.findings(rows)]
        if made.by_fold:
            if found:
                yield (
                    f"warning: {self._count(found)} in several folds, byte for byte"
                    f" ({self._example(found[0])}): {too_good}"
                )
            return
        for pair in itertools.combinations(("train", "validation", "test"), 2):
            both = [rows for rows in found if set(pair) <= set(made.places[rows].tolist())]
            if both:
                shown = np.asarray([both[0][made.places[both[0]] == part][0] for part in pair])
                yield (
                    f"warning: {self._count(both)} in the {pair[0]} and in the {pair[1]} split,"
                    f" byte for byte ({self._example(shown)}): {too_good}"
                )

    @staticmethod
    def _count(found: list[np.ndarray]) -> str:
        return "1 picture is there" if len(found) == 1 else f"{len(found):,} pictures are there"

    def _example(self, rows: np.ndarray, labels: bool = False) -> str:
        made = self.manifest
        if labels:
            other = rows[made.labels[rows] != made.labels[rows[0]]][0]
            rows = np.asarray([rows[0], other])
        said = [
            str(made.ids[row]) + (f" is {made.class_names[made.labels[row]]!r}" if labels else "")
            for row in rows[:2].tolist()
        ]
        return (", " if labels else " = ").join(said)

    def refuse(self) -> None:
        """Refuse pictures in two splits, folds or classes.

        Raises:
          ValueError: there are some; one line.
        """
        bad = [line for line in self.notes() if line.startswith("warning: ")]
        if bad:
            more = f" (and {len(bad) - 1} more findings)" if len(bad) > 1 else ""
            raise ValueError(
                f"data.duplicates={ERROR}: {bad[0].removeprefix('warning: ')}{more}; leave such"
                " images out (--mode=audit writes a data.keep file), or set"
                f" data.duplicates={REPORT}"
            )


def find_duplicates(manifest: Manifest) -> Duplicates:
    """Find the pictures of a manifest that are there more than once.

    What is left out, or whose bytes are not known, is not looked at.
    """
    looked_at = (manifest.places != LEFT_OUT) & (manifest.contents != UNKNOWN)
    rows = np.flatnonzero(looked_at)
    if len(set(manifest.contents[rows].tolist())) == len(rows):  # sorting a million takes longer
        return Duplicates(manifest, ())
    order = rows[np.argsort(manifest.contents[rows], kind="stable")]
    ends = np.flatnonzero(manifest.contents[order][1:] != manifest.contents[order][:-1]) + 1
    sets = [found for found in np.split(order, ends) if len(found) > 1]
    return Duplicates(manifest, tuple(sorted(sets, key=lambda found: int(found[0]))))
