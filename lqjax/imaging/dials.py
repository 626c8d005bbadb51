"""What a search for a severity turns: one parameter of an operation, or the level of a suite."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lqjax.imaging.conditions import parse
from lqjax.imaging.operations import OPERATIONS, Operation, Parameter
from lqjax.imaging.steps import CLEAN
from lqjax.imaging.suites import SUITES

LEVEL = "severity"
"""Name of what is turned in an entry of a suite."""

_LEAST_SHARE = 1e-6
"""Nearest to the identity that is tried, as a share of the way: ranges reach far beyond use."""

_LEAST_SEVERITY = 1e-3
"""The same for severities: a thousandth of the published levels cannot be seen."""

_UNBOUNDED = 1e9
"""Stands for an infinite end of a range, in multiples of the other end."""


@dataclass(frozen=True)
class Side:
    """One side of the identity, or a whole range: where a parameter may be looked for.

    Attributes:
      start: value from which offsets count; where there is an identity, the identity.
      sign: 1 or -1: towards which the offsets go.
      least, most: range of the offsets; positive for continuous parameters.
      step: 0 for continuous parameters, else the distance of neighbours.
    """

    start: float
    sign: int
    least: float
    most: float
    step: int = 0

    def value(self, offset: float) -> float:
        """Give the value at an offset, without the digits that binary fractions add."""
        return float(f"{self.start + self.sign * offset:.12g}")


@dataclass(frozen=True)
class Dial:
    """What is turned, and how its settings are written.

    Attributes:
      name: of the parameter, or "severity".
      subject: operation or entry of a suite, for messages.
      low, high: range of the values.
      identity: value that leaves images as they are, if there is one.
      step: 0 for continuous parameters, else the distance of neighbours.
      write: value -> condition.
      least_share: how near to the identity values are tried, as a share of the way.
    """

    name: str
    subject: str
    low: float
    high: float
    identity: float | None
    step: int
    write: Callable[[float], str]
    least_share: float = _LEAST_SHARE

    def sides(self, between: tuple[float, float] | None) -> tuple[Side, ...]:
        """List where to look: both sides of an identity that lies inside the range.

        Raises:
          ValueError: `between` is no part of the range.
        """
        low, high = self._range(between)
        identity = self.identity
        if identity is not None and low < identity < high:
            return (self._from(identity, high), self._from(identity, low))
        return (self._from(high, low) if identity == high else self._from(low, high),)

    def _from(self, start: float, end: float) -> Side:
        sign = 1 if end > start else -1
        if self.step:
            return Side(start, sign, 0, abs(end - start), self.step)
        low, high = sorted((start, end))
        if math.isinf(high) or (self.identity is None and low > 0):
            # Equal factors are equal steps: 10 photons or 100, 100 or 1000.
            return Side(0, 1, low, min(high, low * _UNBOUNDED))
        return Side(start, sign, abs(end - start) * self.least_share, abs(end - start))

    def _range(self, between: tuple[float, float] | None) -> tuple[float, float]:
        if between is None:
            return self.low, self.high
        low, high = sorted(float(end) for end in between)
        if not self.low <= low < high <= self.high:
            raise ValueError(
                f"between={between} must be two values of {self.name} of {self.subject}, within"
                f" [{self.low:g}, {self.high:g}]"
            )
        if self.step:
            # Onto the values that there are: whole, or odd, numbers.
            low = self.low + math.ceil((low - self.low) / self.step) * self.step
            high = self.low + (high - self.low) // self.step * self.step
        return low, high


def dial_for(subject: str, fixed: Mapping[str, Any]) -> Dial:
    """Find what is turned in an operation or in an entry of a suite.

    Args:
      subject: "jpeg", or "imagenet_c/fog".
      fixed: the other parameters of the operation; of a suite, `quantize`.

    Raises:
      ValueError: an unknown name, or nothing or more than one thing to turn.
    """
    if any(mark in subject for mark in "(@*|"):
        raise ValueError(
            f"{subject!r}: name an operation (jpeg) or a degradation of a suite (imagenet_c/fog)"
            " without severity; what is fixed follows by name, as in"
            " severity_for('gaussian_blur', kernel_size=9, ...)"
        )
    if "/" in subject:
        return _suite_dial(subject, fixed)
    if subject == CLEAN or subject not in OPERATIONS:
        parse(subject)  # says what there is, the nearest first
        raise ValueError(f"{subject} changes nothing; name an operation, for example jpeg")
    return _operation_dial(OPERATIONS[subject], fixed)


def _suite_dial(subject: str, fixed: Mapping[str, Any]) -> Dial:
    suite_name, _, name = subject.rpartition("/")
    suite = SUITES[suite_name]
    entry = suite.entry(name)
    if set(fixed) - {"quantize"}:
        raise ValueError(
            f"{subject}: a suite fixes its parameters, {', '.join(fixed)} among them; only"
            f" quantize may be given, or search {entry.operation} itself"
        )
    if not entry.path:
        raise ValueError(
            f"{subject} has no severities between its levels: {entry.no_path}; search a parameter"
            f" of {entry.operation} itself, with the others fixed"
        )
    option = f"(quantize={int(fixed['quantize'])})" if "quantize" in fixed else ""

    def write(value: float) -> str:
        return f"{subject}@{value!r}{option}"

    return Dial(LEVEL, subject, 0, len(suite.levels), 0, 0, write, _LEAST_SEVERITY)


def _operation_dial(operation: Operation, fixed: Mapping[str, Any]) -> Dial:
    parameter = _free_parameter(operation, fixed)
    resolved = operation.resolve({**fixed, parameter.name: parameter.low})
    others = {name: resolved[name] for name in fixed}

    def write(value: float) -> str:
        values = {**others, parameter.name: value}
        used = [p for p in operation.parameters if p.name in values]
        texts = (f"{p.name}={p.text(values[p.name])}" for p in used)
        return f"{operation.name}({','.join(texts)})"

    low, high = float(parameter.low), float(parameter.high)
    step = 0
    if parameter.odd:
        step, low, high = 2, low + (low % 2 == 0), high - (high % 2 == 0)
    elif parameter.integer:
        step = 1
    name, identity = parameter.name, parameter.identity
    return Dial(name, operation.name, low, high, identity, step, write)


def _free_parameter(operation: Operation, fixed: Mapping[str, Any]) -> Parameter:
    """Choose the parameter to turn: the one that must be given, or the first that may be."""
    free = [p for p in operation.parameters if p.name not in fixed]
    required = [p for p in free if p.default is None]
    if len(required) > 1:
        names = ", ".join(p.name for p in required)
        example = ", ".join(f"{p.name}=..." for p in required[:-1])
        raise ValueError(
            f"{operation.name} needs {names}; fix all but the one to search, as in"
            f" severity_for({operation.name!r}, {example}, ...)"
        )
    optional = [p for p in free if not p.choices and not _drawn(p)]
    for parameter in required or optional:
        if not parameter.choices:
            return parameter
    left = f", {', '.join(fixed)} being fixed" if fixed else ""
    raise ValueError(f"{operation.name} has no numeric parameter to search{left}")


def _drawn(parameter: Parameter) -> bool:
    return parameter.default is not None and math.isnan(parameter.default)
