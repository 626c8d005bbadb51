"""One part of a condition: an operation with its parameters, or a level of a suite."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from lqjax.imaging.operations import OPERATIONS, Operation, Parameter
from lqjax.imaging.published import PUBLISHED
from lqjax.imaging.suites import SUITES, Part, Suite, SuiteEntry
from lqjax.registry import unknown_name
from lqjax.textlists import split_list

CLEAN = "clean"
"""The condition of undegraded images."""

SWITCH = {"0": False, "1": True, "false": False, "true": True}

_SEEDS = 1 << 32


@dataclass(frozen=True)
class Step:
    """One operation of a condition with its parameters.

    Attributes:
      text: canonical text of this step; two steps are equal when their texts and occurrences are.
        Empty for what an entry of a suite does after its first operation.
      family: the text without the severity ("low_quality/motion_blur", "jpeg").
      level: the severity as written ("high", "quality=40"); empty where there is none.
      severity: number that orders the steps of a family: rank of the level, from 1, or the value
        of the first parameter.
      label: for people ("motion blur, length 15 px").
      operation: what is applied.
      parameters: all of them, in declaration order.
      occurrence: how often the same operation stands earlier in the chain; separates the noise.
      suite: name of the suite, or empty.
      quantize: the result is cut down to 8 bits.
      grey_as_colour: grey images are degraded as three equal channels.
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
    quantize: bool = False
    grey_as_colour: bool = False

    @property
    def stream(self) -> int:
        """Number of the random stream, uint32: the operation's, moved by the occurrence."""
        return (self.operation.stream + self.occurrence) % _SEEDS


def expand_step(text: str) -> tuple[tuple[Step, ...], ...]:
    """Read one part of a chain: what it stands for, each as the operations that do it in turn.

    Raises:
      ValueError: one line that names what is wrong, the nearest allowed name first.
    """
    head = text.partition("(")[0]
    if "/" in head or "@" in head or "*" in head:
        return tuple(_expand_suite(text))
    return ((_operation_step(text),),)


def _expand_suite(text: str) -> Iterator[tuple[Step, ...]]:
    path, at, level_pattern = text.partition("(")[0].partition("@")
    suite_name, slash, entry_pattern = path.rpartition("/")
    if not slash:
        raise ValueError(
            f"{text!r}: levels and patterns belong to a suite; write SUITE/{text}, with SUITE one"
            f" of: {', '.join(SUITES.names())}"
        )
    if at and not level_pattern.strip():
        raise ValueError(f"{text!r}: the level after @ is missing; write for example @*")
    if suite_name.strip() not in SUITES:
        raise unknown_name("suite", suite_name.strip(), (*SUITES.names(), *PUBLISHED))
    suite = SUITES[suite_name.strip()]
    quantize = _read_quantize(text, suite)
    entries = _matching(f"degradation of {suite.name}", entry_pattern.strip(), suite.names())
    for entry_name in entries:
        for level in _levels(suite, suite.entry(entry_name), level_pattern.strip() or "*"):
            yield _suite_steps(suite, suite.entry(entry_name), level, quantize)


def _read_quantize(text: str, suite: Suite) -> bool:
    _, bracket, options = text.partition("(")
    if not bracket:
        return suite.quantize
    key, _, value = options.replace(" ", "").removesuffix(")").partition("=")
    if key != "quantize" or not text.endswith(")"):
        raise ValueError(
            f"{text!r}: a suite fixes its parameters; only (quantize=0) or (quantize=1) may follow,"
            " or name the operation itself, as in jpeg(quality=40)"
        )
    if value.lower() not in SWITCH:
        raise ValueError(f"{text!r}: quantize must be 0 or 1, not {value!r}")
    return SWITCH[value.lower()]


def _levels(suite: Suite, entry: SuiteEntry, pattern: str) -> tuple[str, ...]:
    """List the levels that a pattern names; a number may lie between the published ones."""
    try:
        severity = float(pattern)
    except ValueError:
        return _matching(f"level of {suite.name}", pattern, suite.levels)
    if _shortest(severity) in suite.levels or not suite.levels[0].isdecimal():
        return _matching(f"level of {suite.name}", _shortest(severity), suite.levels)
    whole = ", ".join(suite.levels)
    if not 0 <= severity <= len(suite.levels):
        allowed = f"{whole}, or a fraction from 0 to {len(suite.levels)}" if entry.path else whole
        raise ValueError(
            f"{suite.name}/{entry.name}@{pattern}: a severity must be one of {allowed}"
        )
    if not entry.path:
        raise ValueError(
            f"{suite.name}/{entry.name}@{pattern}: allowed are {whole}, nothing between:"
            f" {entry.no_path}"
        )
    return (_shortest(severity),)


def _matching(kind: str, pattern: str, names: tuple[str, ...]) -> tuple[str, ...]:
    # Only the star is special: fnmatch would read [ and ? as patterns too.
    plain = pattern.replace("[", "").replace("?", "")
    found = tuple(name for name in names if plain == pattern and fnmatchcase(name, pattern))
    if not found:
        raise unknown_name(kind, pattern, names)
    return found


def _suite_steps(suite: Suite, entry: SuiteEntry, level: str, quantize: bool) -> tuple[Step, ...]:
    operation = OPERATIONS[entry.operation]
    published = level in suite.levels
    parameters = operation.resolve(entry.levels[level] if published else entry.at(float(level)))
    option = "" if quantize == suite.quantize else f"(quantize={quantize:d})"
    family = f"{suite.name}/{entry.name}"
    first = Step(
        text=f"{family}@{level}{option}",
        family=family + option,
        level=level,
        severity=float(suite.levels.index(level) + 1) if published else float(level),
        label=f"{entry.label}, {entry.severity.format(**parameters)}",
        operation=operation,
        parameters=parameters,
        suite=suite.name,
        quantize=quantize,
        grey_as_colour=suite.grey_as_colour,
    )
    return (first, *(_later_step(first, part, level) for part in entry.then))


def _later_step(first: Step, part: Part, level: str) -> Step:
    operation = OPERATIONS[part.operation]
    parameters = operation.resolve(part.levels[level])
    return replace(first, text="", label="", operation=operation, parameters=parameters)


def _operation_step(text: str) -> Step:
    name, bracket, rest = text.partition("(")
    operation = _operation(name.strip())
    if bracket and not rest.endswith(")"):
        raise ValueError(f"{text!r}: nothing may follow the closing bracket except | or ,")
    given = read_parameters(operation.name, operation.parameters, rest[:-1]) if bracket else {}
    parameters = operation.resolve(given)
    written = {
        p: p.text(parameters[p.name])
        for p in operation.parameters
        if p.default is None or not _same(parameters[p.name], p.default)
    }
    level = ",".join(f"{p.name}={value}" for p, value in written.items())
    shown = [
        f"{p.name} {value}{'' if p.unit == '1' else ' ' + p.unit}" for p, value in written.items()
    ]
    return Step(
        text=f"{operation.name}({level})" if level else operation.name,
        family=operation.name,
        level=level,
        severity=float(next((parameters[p.name] for p in written), 0)),
        label=", ".join([operation.name, *shown]).replace("_", " "),
        operation=operation,
        parameters=parameters,
    )


def _operation(name: str) -> Operation:
    if name in OPERATIONS:
        return OPERATIONS[name]
    if name in SUITES or name in PUBLISHED:
        kind = "suite" if name in SUITES else "published set"
        raise ValueError(f"unknown operation {name!r}; it is a {kind}: write {name}/*")
    having = [f"{suite}/{name}" for suite in SUITES if name in SUITES[suite].names()]
    if having:
        raise ValueError(f"unknown operation {name!r}; suites have it: write {' or '.join(having)}")
    raise unknown_name("operation", name, (*OPERATIONS.names(), CLEAN))


def read_parameters(
    owner: str, parameters: Sequence[Parameter], text: str
) -> dict[str, float | str]:
    """Read what stands between the brackets: "kernel_size=9,sigma=3".

    Args:
      owner: what stands before the brackets.
      parameters: what it has.

    Raises:
      ValueError: a parameter that it does not have or that is given twice, or no number.
    """
    given: dict[str, float | str] = {}
    names = [parameter.name for parameter in parameters]
    for part in split_list(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            free = [name for name in names if name not in given]
            hint = f"write {owner}({free[0]}={key})" if free else "it takes no more"
            raise ValueError(f"{owner}({text}): parameters are named; {hint}")
        if key not in names:
            raise unknown_name(f"parameter of {owner}", key, tuple(names))
        if key in given:
            raise ValueError(f"{owner}({text}): {key} is given twice; give it once")
        named = parameters[names.index(key)].choices and not value.isdecimal()
        given[key] = value if named else _read_number(value, f"{owner}({part})", key)
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
