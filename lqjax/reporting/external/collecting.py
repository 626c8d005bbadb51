"""Check answers one by one against the test set, and sort them by model, run and condition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lqjax.reporting.external.answer import SCORE, Answer
from lqjax.reporting.external.scoring import Scoring, adds_up
from lqjax.reporting.external.spelling import check_spelling
from lqjax.reporting.external.spool import Shelf, Spool
from lqjax.reporting.external.test_set import Part, TestSet, class_number


class Cell(NamedTuple):
    """What one set of answers belongs to."""

    model: str
    seed: int
    fold: int
    condition: str

    def __str__(self) -> str:
        """Name the cell in a message."""
        return f"{self.model}, seed {self.seed}, fold {self.fold}, {self.condition}"


@dataclass
class Collected:
    """The answers of a cell.

    Attributes:
      file: name of the file with the first of them.
      scored: whether there are scores; else class numbers alone.
      like_probabilities: all scores so far could be probabilities.
    """

    shelf: Shelf
    file: str
    scored: bool
    like_probabilities: bool


class Collector:
    """Takes answers in any order."""

    def __init__(self, test_set: TestSet, folder: Path) -> None:
        self.cells: dict[Cell, Collected] = {}
        self.groups: dict[int, dict[int, str]] = {}
        self._test_set, self._spool = test_set, Spool(folder)
        self._scoring = Scoring(test_set)

    def take(self, answer: Answer, file: str) -> None:
        """Keep an answer.

        Raises:
          ValueError: it is not about the test set, or the second one about an image.
        """
        self._check_common(answer)
        part, position = self._place(answer)
        self._check_label(answer, part, position)
        logits = None
        if answer.scores is not None:
            logits = self._scoring.logits(answer, answer.scores)
        cell = Cell(answer.model, answer.seed, answer.fold, answer.condition)
        found = self.cells.get(cell) or self._new(answer, cell, part, logits is not None, file)
        if found.scored != (logits is not None):
            raise ValueError(
                f"{answer.place}: {'scores' if logits is not None else 'no scores'} for {cell},"
                " other than in the lines before; give scores in all lines of it, or in none"
            )
        if found.shelf.seen[position]:
            raise ValueError(
                f"{answer.place}: a second answer of {cell} to example {answer.example!r}"
            )
        self._keep_group(answer, position)
        self._spool.put(found.shelf, position, self._values(answer, logits, found))

    def _check_common(self, answer: Answer) -> None:
        expected = self._test_set
        if answer.dataset != expected.dataset:
            raise ValueError(
                f"{answer.place}: data set {answer.dataset!r}, {expected.dataset!r} in"
                f" {expected.source}; a report compares models on one"
            )
        if answer.image_size not in (0, expected.image_size):
            raise ValueError(
                f"{answer.place}: image_size {answer.image_size} px, {expected.image_size} px in"
                f" {expected.source}; a report compares one size"
            )

    def _place(self, answer: Answer) -> tuple[Part, int]:
        parts = self._test_set.parts
        part = parts.get(answer.fold)
        if part is not None and answer.example in part.positions:
            return part, part.positions[answer.example]
        other = next((f for f, p in parts.items() if answer.example in p.positions), None)
        if other is not None:
            raise ValueError(
                f"{answer.place}: example {answer.example!r} is tested in fold {other}, not in fold"
                f" {answer.fold}; say in a column fold which one the model was tested on"
            )
        if part is None:
            listing = ", ".join(map(str, sorted(parts)))
            raise ValueError(f"{answer.place}: fold {answer.fold}; allowed: {listing}")
        first = next(iter(part.positions))
        raise ValueError(
            f"{answer.place}: example {answer.example!r} is none of the {len(part.positions)} test"
            f" images of {self._test_set.source}; theirs are written like {first!r}"
        )

    def _check_label(self, answer: Answer, part: Part, position: int) -> None:
        label = class_number(self._test_set, answer.place, "label", answer.label)
        expected = int(part.labels[position])
        if label != expected:
            raise ValueError(
                f"{answer.place}: label {answer.label!r} of example {answer.example!r}; in"
                f" {self._test_set.source} it is {self._test_set.classes[expected]!r} (class"
                f" {expected})"
            )

    def _new(self, answer: Answer, cell: Cell, part: Part, scored: bool, file: str) -> Collected:
        check_spelling(answer.place, cell.condition, self._test_set.conditions)
        columns = len(self._test_set.classes) if scored else 1
        shelf = self._spool.shelf(columns, len(part.positions))
        self.cells[cell] = Collected(shelf, file, scored, scored)
        return self.cells[cell]

    def _values(self, answer: Answer, logits: np.ndarray | None, found: Collected) -> np.ndarray:
        """Return what is kept: the scores, or the predicted class; both must agree."""
        predicted = None
        if answer.prediction:
            what = (self._test_set, answer.place, "prediction", answer.prediction)
            predicted = class_number(*what)
        if logits is None:
            return np.array([predicted], float)
        if predicted is not None and logits[predicted] < logits.max():
            raise ValueError(
                f"{answer.place}: prediction {answer.prediction!r} is not the class of the highest"
                " score; keep one of the two"
            )
        kind = answer.scores.kind if answer.scores else ""
        alike = kind == SCORE and logits.min() >= 0 and adds_up(logits)
        found.like_probabilities &= alike
        return logits

    def _keep_group(self, answer: Answer, position: int) -> None:
        if not answer.group:
            return
        ours = self._test_set.parts[answer.fold].groups
        known = None if ours is None else str(ours[position])
        known = known or self.groups.setdefault(answer.fold, {}).setdefault(position, answer.group)
        if known != answer.group:
            raise ValueError(
                f"{answer.place}: group {answer.group!r} of example {answer.example!r}, which is"
                f" {known!r} elsewhere"
            )
