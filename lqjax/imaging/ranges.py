"""A range of one parameter, as ladders write it: `95..5`, `0..0.5*11`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lqjax.imaging.operations import Operation, Parameter

BETWEEN, TIMES = "..", "*"

LEAST_LEVELS = 9
"""Levels that an operating envelope needs: with fewer, what is interpolated is mostly assumed."""

SIGNIFICANT = ".4g"
"""Levels are rounded to this, so that they can be read; ends stay as written."""


@dataclass(frozen=True)
class Range:
    """Two ends of a parameter, and how many values are wanted.

    Attributes:
      parameter, operation: whose range it is.
      start, stop: the ends, both included.
      count: how many values; 0 where that is left open.
    """

    parameter: Parameter
    operation: Operation
    start: float
    stop: float
    count: int

    @property
    def geometric(self) -> bool:
        """Whether the values are spaced in equal factors."""
        return self.parameter.equal_factors and min(self.start, self.stop) > 0

    def values(self, count: int) -> tuple[float, ...]:
        """Give so many values from one end to the other; whole ones may repeat."""
        if self.geometric:
            factor = self.stop / self.start
            inner = [self.start * factor ** (i / (count - 1)) for i in range(1, count - 1)]
        else:
            step = (self.stop - self.start) / (count - 1)
            inner = [self.start + step * i for i in range(1, count - 1)]
        return (self.start, *(self._nearest(value) for value in inner), self.stop)

    def _nearest(self, value: float) -> float:
        if self.parameter.odd:
            return 2 * math.floor(value / 2) + 1
        return round(value) if self.parameter.whole else float(format(value, SIGNIFICANT))

    def text(self, count: int = 0) -> str:
        """Write it in the shortest way, with a count if one is given."""
        ends = BETWEEN.join(self.parameter.text(end) for end in (self.start, self.stop))
        return f"{ends}{TIMES}{count}" if count else ends


def read_range(operation: Operation, parameter: Parameter, text: str) -> Range:
    """Read a range.

    Raises:
      ValueError: one line that names what is wrong: ends that are no numbers or not allowed, too
        few values, or a range that passes the value at which nothing is changed.
    """
    label = f"{operation.name}({parameter.name}={text})"
    if parameter.choices:
        raise ValueError(f"{label}: {parameter.name} has names, not a range; fix it")
    ends, times, many = text.partition(TIMES)
    numbers = [end.strip() for end in ends.split(BETWEEN, 1)]
    for end in numbers:
        if not _is_number(end):
            raise ValueError(
                f"{label}: both ends of a range must be numbers, not {end!r}; write for example"
                f" {parameter.name}=A..B"
            )
    start, stop = (float(parameter.check(end, operation.name)) for end in numbers)
    count = many.strip()
    if times and not (count.isdecimal() and int(count) >= LEAST_LEVELS):
        raise ValueError(
            f"{label}: {count or 'nothing'!r} after the star is not possible; a ladder has"
            f" {LEAST_LEVELS} values or more, as in {ends.strip()}{TIMES}{LEAST_LEVELS}"
        )
    if start == stop:
        raise ValueError(f"{label}: both ends are the same; a range needs two")
    rest = parameter.identity
    if rest is not None and min(start, stop) < rest < max(start, stop):
        raise ValueError(
            f"{label} passes {rest:g}, which changes nothing: both sides are ladders of their own;"
            f" write {parameter.name}={rest:g}{BETWEEN}{stop:g} or"
            f" {parameter.name}={rest:g}{BETWEEN}{start:g}"
        )
    return Range(parameter, operation, start, stop, int(count or 0))


def check_levels(moved: Range, values: tuple[float, ...]) -> None:
    """Refuse values of a ladder that repeat.

    Raises:
      ValueError: there are fewer allowed values in the range than asked for.
    """
    if len(set(values)) == len(values):
        return
    parameter = moved.parameter
    kind = "odd" if parameter.odd else "whole"
    step = 2 if parameter.odd else 1
    there = int(abs(moved.stop - moved.start)) // step + 1
    raise ValueError(
        f"{moved.operation.name}({parameter.name}={moved.text()}) has {there} {kind} values, and"
        f" {len(values)} are asked for"
        + (f"; a ladder has {LEAST_LEVELS} or more, widen the range" if there < LEAST_LEVELS else
           f"; write {moved.text(there)} or widen the range")
    )  # fmt: skip


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
