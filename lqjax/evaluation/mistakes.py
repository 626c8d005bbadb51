"""The most confident wrong answers, with the degraded pictures that led to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lqjax.data.published import ReadPublished
from lqjax.evaluation.gallery import EXAMPLES, degraded
from lqjax.imaging.conditions import Condition
from lqjax.imaging.levels import to_levels
from lqjax.metrics.softmax import softmax
from lqjax.typing import Dataset, Split

FAMILIES = 3
"""Degradations that are shown beside the clean images."""

LEADERS = 3
"""Mistakes of the best model in each condition; the others are those of the runner-up alone."""


class Answers(NamedTuple):
    """What a model says of every test image under one condition.

    Attributes:
      given: class, (examples,).
      confidence: probability of that class, (examples,).
    """

    given: np.ndarray
    confidence: np.ndarray


class Mistake(NamedTuple):
    """A wrong answer: of which model, under which condition, to which row of the split."""

    model: str
    condition: str
    row: int


def make_mistakes(
    dataset: Dataset,
    conditions: Sequence[Condition],
    scores: Mapping[str, Mapping[str, np.ndarray]],
    seed: int,
    published: ReadPublished | None = None,
) -> dict[str, np.ndarray]:
    """Collect the most confident mistakes of the best model, and some of the runner-up's alone.

    The pictures are degraded again with the draws of the evaluation, which depend on the example:
    they are what the networks saw, rounded to 8 bits.

    Args:
      scores: logits (examples, classes) by model and condition; models are ranked by their mean
        accuracy over the degraded conditions.
      seed: of the degradations.
      published: reads the pictures of conditions that are of a published set.

    Returns:
      One entry per mistake: `images` uint8 (mistakes, height, width, channel), `models` (who is
      wrong), `others` (the model beside it, or empty), `conditions`, `labels` (the condition for
      people), `ids`, `true`, `given` and `others_given` (names of classes), `confidences` and
      `others_confidences` in [0, 1].
    """
    shown = {c.name: c for c in conditions}
    answers = {model: _answers(found, shown) for model, found in scores.items()}
    labels = dataset.test.labels
    leader, other = (*rank(answers, labels, conditions), "")[:2]
    chosen = [
        mistake
        for condition in hardest(answers[leader], labels, conditions)
        for mistake in choose(answers, labels, condition.name, leader, other)
    ]
    images = [
        picture
        for name in dict.fromkeys(mistake.condition for mistake in chosen)
        for picture in _pictures(
            dataset.test,
            shown[name],
            [m.row for m in chosen if m.condition == name],
            seed,
            published,
        )
    ]
    return _record(dataset, shown, answers, chosen, images, (leader, other))


def rank(
    answers: Mapping[str, Mapping[str, Answers]],
    labels: np.ndarray,
    conditions: Sequence[Condition],
) -> list[str]:
    """Order models by mean accuracy over degraded conditions, or clean images where that is all."""
    over = [c.name for c in conditions if c.degraded] or [c.name for c in conditions]

    def accuracy(model: str) -> float:
        return float(np.mean([_accuracy(answers[model][name], labels) for name in over]))

    return sorted(answers, key=accuracy, reverse=True)


def hardest(
    answers: Mapping[str, Answers], labels: np.ndarray, conditions: Sequence[Condition]
) -> list[Condition]:
    """Return the clean images and the hardest condition of each of the hardest degradations."""
    by_family: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.degraded:
            by_family.setdefault(condition.family, []).append(condition)

    def accuracy(condition: Condition) -> float:
        return _accuracy(answers[condition.name], labels)

    worst = sorted((min(family, key=accuracy) for family in by_family.values()), key=accuracy)
    return [c for c in conditions if not c.degraded] + worst[:FAMILIES]


def choose(
    answers: Mapping[str, Mapping[str, Answers]],
    labels: np.ndarray,
    condition: str,
    leader: str,
    other: str,
) -> list[Mistake]:
    """Choose the leader's most confident mistakes, then what the other alone gets wrong."""
    first = answers[leader][condition]
    wrong = first.given != labels
    chosen = [(leader, row) for row in _most_confident(first, wrong)]
    if not other:
        return [Mistake(model, condition, row) for model, row in chosen[:EXAMPLES]]
    second = answers[other][condition]
    alone = _most_confident(second, ~wrong & (second.given != labels))
    chosen = chosen[:LEADERS] + [(other, row) for row in alone[: EXAMPLES - LEADERS]]
    return [Mistake(model, condition, row) for model, row in chosen]


def _answers(
    scores: Mapping[str, np.ndarray], conditions: Mapping[str, Condition]
) -> dict[str, Answers]:
    return {
        name: Answers(scores[name].argmax(axis=1), softmax(scores[name]).confidences)
        for name in conditions
    }


def _accuracy(answers: Answers, labels: np.ndarray) -> float:
    return float((answers.given == labels).mean())


def _most_confident(answers: Answers, among: np.ndarray) -> list[int]:
    rows = np.flatnonzero(among)
    return rows[np.argsort(-answers.confidence[rows], kind="stable")].tolist()


def _pictures(
    split: Split,
    condition: Condition,
    rows: Sequence[int],
    seed: int,
    published: ReadPublished | None,
) -> np.ndarray:
    """Degrade a few images, filled up to the gallery's number: its programs are compiled."""
    filled = np.resize(np.asarray(rows), EXAMPLES)
    images = degraded(split.take(filled), condition, seed, published)
    return np.asarray(to_levels(images)).astype(np.uint8)[: len(rows)]


def _record(
    dataset: Dataset,
    shown: Mapping[str, Condition],
    answers: Mapping[str, Mapping[str, Answers]],
    chosen: Sequence[Mistake],
    images: Sequence[np.ndarray],
    pair: tuple[str, str],
) -> dict[str, np.ndarray]:
    beside = {pair[0]: pair[1], pair[1]: pair[0]}
    names, split = dataset.class_names, dataset.test
    own = [answers[m.model][m.condition] for m in chosen]
    others = [
        answers[beside[m.model]][m.condition] if beside[m.model] else Answers(o.given, o.confidence)
        for m, o in zip(chosen, own, strict=True)
    ]
    rows = [m.row for m in chosen]

    def said(found: Sequence[Answers]) -> list[str]:
        return [names[a.given[row]] for a, row in zip(found, rows, strict=True)]

    def sure(found: Sequence[Answers]) -> list[float]:
        return [a.confidence[row] for a, row in zip(found, rows, strict=True)]

    empty = np.zeros((0, *split.images.shape[1:]), np.uint8)
    texts = {
        "models": [m.model for m in chosen],
        "others": [beside[m.model] for m in chosen],
        "conditions": [m.condition for m in chosen],
        "labels": [shown[m.condition].label for m in chosen],
        "ids": [str(split.ids[row]) for row in rows],
        "true": [names[split.labels[row]] for row in rows],
        "given": said(own),
        "others_given": said(others),
    }
    return {
        "images": np.stack(images) if images else empty,
        "confidences": np.array(sure(own), np.float64),
        "others_confidences": np.array(sure(others), np.float64),
        **{key: np.array(values, dtype=str) for key, values in texts.items()},
    }
