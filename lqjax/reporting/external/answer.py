"""One line of a file of predictions: what one model answered about one image."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lqjax.damaged import brief

REQUIRED = ("model", "dataset", "condition", "example_id", "label")
OPTIONAL = ("prediction", "seed", "fold", "group", "image_size")
SCORE, PROBABILITY = "score", "probability"
KINDS = {SCORE: "scores", PROBABILITY: "probabilities"}
"""What the numbers of a line may be: its name in a CSV column, before the class, and in JSONL."""


LARGEST_NUMBER = 2**31 - 1
"""Of seed, fold and image size."""

UNWRITABLE = ("Cc", "Cs")
"""Unicode categories that no page can show: control characters, and halves of characters."""


class Scores(NamedTuple):
    """The numbers of one line.

    Attributes:
      kind: `SCORE` (logits or log-probabilities) or `PROBABILITY`.
      classes: class of each number, as written; `None` where they stand in the order of the test
        set's classes.
      values: the numbers, as written.
    """

    kind: str
    classes: tuple[str, ...] | None
    values: Sequence[str | float]


@dataclass(frozen=True, slots=True)
class Answer:
    """One line, its texts stripped; `label` and `prediction` are class names or numbers.

    Attributes:
      place: file and line, for messages.
      scores: `None` where only a prediction is given.
      prediction: empty where only scores are given.
      group: what the image belongs to, such as a patient; empty where not given.
      image_size: side of the network input in pixels; 0 where not given.
    """

    place: str
    model: str
    dataset: str
    condition: str
    example: str
    label: str
    scores: Scores | None
    prediction: str
    seed: int
    fold: int
    group: str
    image_size: int


def make_answer(place: str, texts: Mapping[str, str], scores: Scores | None) -> Answer:
    """Build an answer from the texts of a line.

    Raises:
      ValueError: an empty text that is needed, a number that is none, or neither scores nor a
        prediction.
    """
    for name, text in texts.items():
        check_writable(place, name, text)
    for name in REQUIRED:
        if not texts.get(name):
            raise ValueError(f"{place}: {name} is empty or missing; every line needs it")
    prediction = texts.get("prediction", "")
    if scores is None and not prediction:
        raise ValueError(f"{place}: neither scores nor a prediction; give one of them")
    return Answer(
        place=place,
        model=texts["model"],
        dataset=texts["dataset"],
        condition=_condition(place, texts["condition"]),
        example=texts["example_id"],
        label=texts["label"],
        scores=scores,
        prediction=prediction,
        seed=_whole(place, "seed", texts),
        fold=_whole(place, "fold", texts),
        group=texts.get("group", ""),
        image_size=_whole(place, "image_size", texts),
    )


def _condition(place: str, text: str) -> str:
    if text != "clean" and text.lower() in ("clean", "none", "original", "undegraded", "identity"):
        raise ValueError(f"{place}: condition {text!r}; undegraded images are spelled 'clean'")
    return text


def _whole(place: str, name: str, texts: Mapping[str, str]) -> int:
    text = texts.get(name, "") or "0"
    possible = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_NUMBER))
    if not (possible and int(text) <= LARGEST_NUMBER):
        raise ValueError(
            f"{place}: {name} {brief(text)!r} is not possible; allowed: a whole number from 0 to"
            f" {LARGEST_NUMBER}"
        )
    return int(text)


def check_writable(place: str, name: str, text: str) -> None:
    """Refuse a text that a report could not show.

    Raises:
      ValueError: it has a control character, or half a character.
    """
    wrong = next((c for c in text if unicodedata.category(c) in UNWRITABLE), "")
    if wrong:
        raise ValueError(
            f"{place}: {name} {brief(text)!r} has the character U+{ord(wrong):04X}, which cannot be"
            " shown; leave it out"
        )
