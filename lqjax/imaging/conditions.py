"""The grammar of conditions: text in, resolved steps out.

clean                                       the images as they are
jpeg(quality=40)                            an operation with its physical parameters
low_quality/motion_blur@high                a published degradation at a published level
low_quality/*   low_quality/*@high          patterns: several conditions, in table order
gaussian_noise(sigma=0.3)|median(size=3)    a chain; restorations may stand in it
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from lqjax.imaging.operations import OPERATIONS, Operation
from lqjax.imaging.suites import SUITES, Suite, SuiteEntry
from lqjax.registry import unknown_name
from lqjax.textlists import split_list

__all__ = ["CLEAN", "Condition", "Step", "expand", "parse", "split_list"]

CLEAN = "clean"
"""The condition of undegraded images."""

_SEEDS = 1 << 32


@dataclass(frozen=True)
class Step:
    """One operation of a condition with its parameters.

    Attributes:
      text: canonical text of this step; two steps are equal when their texts and occurrences are.
      family: the text without the severity ("low_quality/motion_blur", "jpeg").
      level: the severity as written ("high", "quality=40"); empty where there is none.
      severity: number that orders the steps of a family: rank of the level, from 1, or the value
        of the first parameter.
      label: for people ("motion blur, length 15 px").
      operation: what is applied.
      parameters: all of them, in declaration order.
      occurrence: how often the same operation stands earlier in the chain; separates the noise.
      suite: name of the suite, or empty.
    """

    text: str
    family: str
    level: str
    severity: float
    label: str
    operation: Operation = field(compare=False)
    parameters: Mapping[str, float | int] = field(compare=False)
    occurrence: int = 0
    suite: str = ""

    @property
    def stream(self) -> int:
        """Number of the random stream, uint32: the operation's, moved by the occurrence."""
        return (self.operation.stream + self.occurrence) % _SEEDS


@dataclass(frozen=True)
class Condition:
    """What is done to the images before a model sees them.

    Attributes:
      name: canonical text, the same in configs, rows, file names and reports.
      steps: applied from left to right; none for `clean`.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def family(self) -> str:
        """Name shared by all severities: the first step's family, the others in full."""
        return "|".join([s.family for s in self.steps[:1]] + [s.text for s in self.steps[1:]]) or (
            CLEAN
        )

    @property
    def level(self) -> str:
        """Severity of the first step as written; empty for `clean`."""
        return self.steps[0].level if self.steps else ""

    @property
    def severity(self) -> float:
        """Number that orders the conditions of a family; 0 for `clean`."""
        return self.steps[0].severity if self.steps else 0.0

    @property
    def label(self) -> str:
        """Text for people: "motion blur, length 15 px"."""
        return ", then ".join(step.label for step in self.steps) or CLEAN


def parse(text: str) -> Condition:
    """Read exactly one condition.

    Raises:
      ValueError: one line that names what is wrong, or a pattern that stands for several.

    >>> parse("low_quality/motion_blur@high").label
    'Motion blur, length 25 px'
    """
    conditions = expand([text])
    if len(conditions) > 1:
        listing = ", ".join(condition.name for condition in conditions)
        raise ValueError(f"{text!r} stands for several conditions, choose one of: {listing}")
    return conditions[0]


def expand(texts: str | Iterable[str]) -> tuple[Condition, ...]:
    """Read conditions and patterns, in the order given; a repeated condition counts once.

    Args:
      texts: one condition or pattern each; a single string is split at its commas.

    Raises:
      ValueError: one line that names what is wrong, the nearest allowed name first.

    >>> [condition.name for condition in expand("clean, low_quality/jpeg")][:2]
    ['clean', 'low_quality/jpeg@low']
    """
    listed = split_list(texts) if isinstance(texts, str) else tuple(texts)
    if not listed:
        raise ValueError("no condition given; write clean, jpeg(quality=40) or low_quality/*")
    found: dict[str, Condition] = {}
    for text in listed:
        for condition in _expand_chain(" ".join(text.split())):
            found.setdefault(condition.name, condition)
    return tuple(found.values())


def _expand_chain(text: str) -> Iterator[Condition]:
    if text == CLEAN:
        yield Condition(CLEAN, ())
        return
    parts = _split_chain(text)
    if CLEAN in parts:
        raise ValueError(f"{text!r}: clean stands alone; leave it out of the chain")
    for steps in itertools.product(*(_expand_step(part) for part in parts)):
        counted = tuple(
            replace(step, occurrence=sum(s.operation.name == step.operation.name for s in before))
            for step, before in ((step, steps[:place]) for place, step in enumerate(steps))
        )
        yield Condition("|".join(step.text for step in counted), counted)


def _split_chain(text: str) -> tuple[str, ...]:
    dense = "".join(text.split())
    if not dense or "||" in f"|{dense}|":
        raise ValueError(
            f"{text!r}: an empty condition or step; write clean, jpeg(quality=40) or"
            " gaussian_noise(sigma=0.3)|median(size=3)"
        )
    return split_list(text, "|")


def _expand_step(text: str) -> tuple[Step, ...]:
    head = text.partition("(")[0]
    if "/" in head or "@" in head or "*" in head:
        return tuple(_expand_suite(text))
    return (_operation_step(text),)


def _expand_suite(text: str) -> Iterator[Step]:
    if "(" in text or ")" in text:
        raise ValueError(
            f"{text!r}: a suite fixes its parameters; leave the brackets out, or name the"
            " operation itself, as in jpeg(quality=40)"
        )
    path, at, level_pattern = text.partition("@")
    suite_name, slash, entry_pattern = path.rpartition("/")
    if not slash:
        raise ValueError(
            f"{text!r}: levels and patterns belong to a suite; write SUITE/{text}, with SUITE one"
            f" of: {', '.join(SUITES.names())}"
        )
    if at and not level_pattern.strip():
        raise ValueError(f"{text!r}: the level after @ is missing; write for example @*")
    suite = SUITES[suite_name.strip()]
    entries = _matching(f"degradation of {suite.name}", entry_pattern.strip(), suite.names())
    levels = _matching(f"level of {suite.name}", level_pattern.strip() or "*", suite.levels)
    for entry_name in entries:
        for level in levels:
            yield _suite_step(suite, suite.entry(entry_name), level)


def _matching(kind: str, pattern: str, names: tuple[str, ...]) -> tuple[str, ...]:
    # Only the star is special: fnmatch would read [ and ? as patterns too.
    plain = pattern.replace("[", "").replace("?", "")
    found = tuple(name for name in names if plain == pattern and fnmatchcase(name, pattern))
    if not found:
        raise unknown_name(kind, pattern, names)
    return found


def _suite_step(suite: Suite, entry: SuiteEntry, level: str) -> Step:
    operation = OPERATIONS[entry.operation]
    parameters = operation.resolve(entry.levels[level])
    family = f"{suite.name}/{entry.name}"
    return Step(
        text=f"{family}@{level}",
        family=family,
        level=level,
        severity=float(suite.levels.index(level) + 1),
        label=f"{entry.label}, {entry.severity.format(**parameters)}",
        operation=operation,
        parameters=parameters,
        suite=suite.name,
    )


def _operation_step(text: str) -> Step:
    name, bracket, rest = text.partition("(")
    operation = _operation(name.strip())
    if bracket and not rest.endswith(")"):
        raise ValueError(f"{text!r}: nothing may follow the closing bracket except | or ,")
    given = _read_parameters(operation, rest[:-1]) if bracket else {}
    parameters = operation.resolve(given)
    written = {
        p.name: parameters[p.name]
        for p in operation.parameters
        if p.default is None or not _same(parameters[p.name], p.default)
    }
    level = ",".join(f"{key}={_shortest(value)}" for key, value in written.items())
    units = {p.name: "" if p.unit == "1" else f" {p.unit}" for p in operation.parameters}
    shown = [f"{key} {_shortest(value)}{units[key]}" for key, value in written.items()]
    return Step(
        text=f"{operation.name}({level})" if level else operation.name,
        family=operation.name,
        level=level,
        severity=float(next(iter(written.values()), 0)),
        label=", ".join([operation.name, *shown]).replace("_", " "),
        operation=operation,
        parameters=parameters,
    )


def _operation(name: str) -> Operation:
    if name in OPERATIONS:
        return OPERATIONS[name]
    for suite_name in SUITES:
        if name == suite_name or name in SUITES[suite_name].names():
            suggestion = f"{suite_name}/{'*' if name == suite_name else name}"
            raise ValueError(f"unknown operation {name!r}; the suite has it: write {suggestion}")
    raise unknown_name("operation", name, (*OPERATIONS.names(), CLEAN))


def _read_parameters(operation: Operation, text: str) -> dict[str, float]:
    given: dict[str, float] = {}
    names = [parameter.name for parameter in operation.parameters]
    for part in split_list(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            free = [name for name in names if name not in given]
            hint = f"write {operation.name}({free[0]}={key})" if free else "it takes no more"
            raise ValueError(f"{operation.name}({text}): parameters are named; {hint}")
        if key not in names:
            raise unknown_name(f"parameter of {operation.name}", key, tuple(names))
        if key in given:
            raise ValueError(f"{operation.name}({text}): {key} is given twice; give it once")
        given[key] = _read_number(value, f"{operation.name}({part})", key)
    return given


def _read_number(value: str, label: str, key: str) -> float:
    if not value:
        raise ValueError(f"{label}: the value of {key} is missing; write {key}=NUMBER")
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{label}: {key} must be a number, not {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{label}: {key} must be a finite number, not {value!r}")
    return int(number) if number.is_integer() else number


def _same(value: float, default: float) -> bool:
    return value == default or (math.isnan(value) and math.isnan(default))


def _shortest(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
