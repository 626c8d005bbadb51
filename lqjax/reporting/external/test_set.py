"""The test images that predictions must be about: those of our runs, or of the files alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from lqjax.answer_files import read_examples
from lqjax.reporting.external.answer import Answer, Scores
from lqjax.rows import Row
from lqjax.workdir import Run


@dataclass(frozen=True)
class Part:
    """The test images of one fold.

    Attributes:
      positions: of each example id, in the order of the scores.
      labels: true class of each, int32.
      groups: what each belongs to; `None` where nothing is known.
    """

    positions: Mapping[str, int]
    labels: np.ndarray
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class TestSet:
    """What all predictions of a report have in common.

    Attributes:
      source: where it is known from, for messages.
      image_size: side of the network input in pixels.
      parts: by fold.
      conditions: a row of each condition that our runs finished, for its names.
    """

    __test__ = False  # nothing for pytest to collect

    source: str
    dataset: str
    image_size: int
    classes: tuple[str, ...]
    parts: Mapping[int, Part]
    conditions: Mapping[str, Row] = field(default_factory=dict)

    @cached_property
    def number_that_is_a_name(self) -> str:
        """First of the numbers by which classes could be counted that is a name; else empty."""
        names = set(self.classes)
        return next((str(i) for i in range(len(names)) if str(i) in names), "")


def test_set_of(runs: Sequence[Run]) -> TestSet:
    """Read the test set from finished runs, at least one.

    Raises:
      DamagedError: a run without its list of examples.
    """
    parts: dict[int, Part] = {}
    conditions: dict[str, Row] = {}
    classes: Iterable[Any] = ()
    for run in runs:
        conditions |= {row.condition: row for row in run.rows()}
        if run.fold in parts:
            continue
        found = read_examples(run)
        positions = {str(name): i for i, name in enumerate(found["ids"])}
        parts[run.fold] = Part(positions, found["labels"], found.get("groups"))
        classes = found["classes"]
    first = next(iter(conditions.values()))
    names = tuple(str(name) for name in classes)
    source = str(runs[0].workdir)
    return TestSet(source, first.dataset, first.image_size, names, parts, conditions)


class _Label(NamedTuple):
    """The true class of an image as written, and where."""

    text: str
    place: str


def discover(answers: Iterable[Answer]) -> TestSet:
    """Learn the test set from predictions that stand alone: ids, labels and classes.

    Classes are those that scores are named by; else, where all labels and predictions are whole
    numbers, the numbers from 0; else the texts in alphabetical order.

    Raises:
      ValueError: no image size, data sets or image sizes that differ, two labels of one image, or
        numbers of which some are classes that scores are named by and others are none.
    """
    first: Answer | None = None
    labels: dict[int, dict[str, _Label]] = {}
    texts: dict[str, str] = {}  # and where first
    named: Scores | None = None
    listed = 0
    for answer in answers:
        first = first or _complete(answer)
        _check_alike(first, answer)
        found = _Label(answer.label, answer.place)
        known = labels.setdefault(answer.fold, {}).setdefault(answer.example, found)
        if known.text != answer.label:
            raise ValueError(
                f"{answer.place}: label {answer.label!r} of example {answer.example!r}, which was"
                f" {known.text!r} before"
            )
        for text in filter(None, (answer.label, answer.prediction)):
            texts.setdefault(text, answer.place)
        if answer.scores is not None:
            named = named or (answer.scores if answer.scores.classes else None)
            listed = max(listed, len(answer.scores.values))
    if first is None:
        raise ValueError("no predictions; name at least one file with answers")
    classes = _named(named, texts) if named else _classes(first.place, texts, listed)
    empty = TestSet("the first line", first.dataset, first.image_size, classes, {})
    parts = {fold: _part(found, empty) for fold, found in labels.items()}
    return replace(empty, parts=parts)


def class_number(test_set: TestSet, place: str, what: str, text: str) -> int:
    """Return the number of a class that is given by its name, or else counted from 0.

    Raises:
      ValueError: neither, or a number where other numbers as small are names.
    """
    classes = test_set.classes
    if text in classes:
        return classes.index(text)
    shown, count = _shown(classes), len(classes)
    if not (_is_number(text) and len(text) < MOST_DIGITS and int(text) < count):
        raise ValueError(
            f"{place}: {what} {text!r} is no class; allowed: {shown}, or a number from 0 to"
            f" {count - 1}"
        )
    same = test_set.number_that_is_a_name
    if same:
        raise ValueError(
            f"{place}: {what} {text!r} is no name of a class ({shown}), and counted from 0 it would"
            f" be {classes[int(text)]!r}, while {same!r} is read as a name; write names"
        )
    return int(text)


MOST_SHOWN = 10
"""Classes that a message lists."""

MOST_CLASSES = 1_000_000
"""Classes that are told by their numbers alone: a larger number is a slip."""

MOST_DIGITS = 20
"""Of a number that is read to compare it."""


def _complete(first: Answer) -> Answer:
    if not first.image_size:
        raise ValueError(
            f"{first.place}: image_size is empty or missing; without runs of ours beside them"
            " predictions need it (the side of the network input in pixels)"
        )
    return first


def _check_alike(first: Answer, answer: Answer) -> None:
    if answer.dataset != first.dataset:
        raise ValueError(
            f"{answer.place}: data set {answer.dataset!r}, {first.dataset!r} in {first.place}; a"
            " report compares models on one"
        )
    if answer.image_size not in (0, first.image_size):
        raise ValueError(
            f"{answer.place}: image_size {answer.image_size} px, {first.image_size} px in"
            f" {first.place}; a report compares one size"
        )


def _named(scores: Scores, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the classes that scores are named by, if labels and predictions can be about them."""
    classes = scores.classes or ()
    numbers = [text for text in texts if _is_number(text)]
    name = next((text for text in numbers if text in classes), "")
    other = next((text for text in numbers if text not in classes), "")
    if name and other:
        raise ValueError(
            f"{texts[other]}: {other!r} is none of the classes that scores are named by"
            f" ({_shown(classes)}), and {name!r} is one; as names {scores.kind}_{other} is missing,"
            f" and counted from 0 {name!r} may be another class: name scores and labels alike"
        )
    return classes


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _shown(classes: Sequence[str]) -> str:
    return ", ".join(classes[:MOST_SHOWN]) + (", ..." if len(classes) > MOST_SHOWN else "")


def _classes(place: str, texts: Iterable[str], listed: int) -> tuple[str, ...]:
    """Name the classes that no score is named by; `listed` is how many scores a line has."""
    found = sorted(texts)
    if all(map(_is_number, found)):
        digits = max(map(len, found))
        count = max(listed, *(int(text) + 1 for text in found)) if digits < MOST_DIGITS else 0
        if not 0 < count <= MOST_CLASSES:
            raise ValueError(
                f"{place} and after it: class {max(found, key=len)[:MOST_DIGITS]!r}; numbers of"
                f" classes count from 0, and there may be {MOST_CLASSES:,} at most"
            )
        return tuple(str(i) for i in range(count))
    if listed:
        raise ValueError(
            f"{place} and after it: scores in a list and labels that are names: the order of the"
            " classes is not known; write scores as {class: number}, or labels as numbers from 0"
        )
    return tuple(found)


def _part(labels: Mapping[str, _Label], test_set: TestSet) -> Part:
    positions = {name: i for i, name in enumerate(labels)}
    numbers = [class_number(test_set, each.place, "label", each.text) for each in labels.values()]
    return Part(positions, np.array(numbers, np.int32))
