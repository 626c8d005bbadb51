"""The numbers of one line, as scores in the order of the classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lqjax.damaged import brief
from lqjax.metrics.ranking import SUM_TOLERANCE
from lqjax.reporting.external.answer import KINDS, PROBABILITY, Answer, Scores
from lqjax.reporting.external.test_set import TestSet, class_number

LARGEST_SCORE = float(np.finfo(np.float32).max)
"""Scores are kept as float32, as those of our networks are."""

LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""What a probability of 0 counts as, about 1e-38: its logarithm is finite."""


class Scoring:
    """Turns the numbers of lines into logits; remembers in which order a header names classes."""

    def __init__(self, test_set: TestSet) -> None:
        self._test_set = test_set
        self._orders: dict[tuple[str, ...], np.ndarray] = {}

    def logits(self, answer: Answer, scores: Scores) -> np.ndarray:
        """Return one finite score for each class: float64, (classes,).

        Probabilities become their logarithms.

        Raises:
          ValueError: another number of scores than classes, one that is no finite float32, or
            probabilities that are negative or do not add up to 1.
        """
        values = np.array(_numbers(answer.place, scores))
        values = self._in_order(answer.place, scores, values)
        if scores.kind != PROBABILITY:
            return values
        if values.min() < 0 or not adds_up(values):
            raise ValueError(
                f"{answer.place}: probabilities from {values.min():.6g} to {values.max():.6g} with"
                f" a sum of {values.sum():.6g}; expected 0 or more and a sum of 1 (logits stand"
                " under the name of scores)"
            )
        return np.log(np.maximum(values, LEAST_PROBABILITY))

    def _in_order(self, place: str, scores: Scores, values: np.ndarray) -> np.ndarray:
        expected = self._test_set.classes
        if len(values) != len(expected):
            raise ValueError(
                f"{place}: {len(values)} {KINDS[scores.kind]} for {len(expected)} classes;"
                f" expected one each{_missing(scores, expected)}"
            )
        if scores.classes is None:
            return values
        if scores.classes not in self._orders:
            numbers = [
                class_number(self._test_set, place, f"{scores.kind} of", name)
                for name in scores.classes
            ]
            if len(set(numbers)) < len(numbers):
                raise ValueError(f"{place}: {KINDS[scores.kind]} name one class twice")
            self._orders[scores.classes] = np.argsort(numbers)
        return values[self._orders[scores.classes]]


def adds_up(values: np.ndarray) -> bool:
    """Tell whether numbers add up to 1, as probabilities do."""
    return abs(float(values.sum()) - 1) <= SUM_TOLERANCE


def _numbers(place: str, scores: Scores) -> list[float]:
    found = []
    for position, value in enumerate(scores.values):
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not abs(number) <= LARGEST_SCORE:
            name = scores.classes[position] if scores.classes else position
            raise ValueError(
                f"{place}: {scores.kind} of class {name} is {brief(repr(value))}; allowed: a finite"
                f" number of at most {LARGEST_SCORE:.2g} in size (float32)"
            )
        found.append(number)
    return found


def _missing(scores: Scores, expected: Sequence[str]) -> str:
    if scores.classes is None:
        return ""
    lacking = [name for name in expected if name not in scores.classes]
    return f" (no {scores.kind} of {', '.join(lacking[:3])})" if lacking else ""
