"""The grammar of ladders: one degradation at many severities, for its operating envelope.

jpeg(quality=95..5)                       a range of one parameter: nine values, ends included
gaussian_noise(sigma=0..0.5*11)           eleven values
gaussian_blur(kernel_size=3..21,sigma=1..7*10)   parameters that move together; the one with the
                                          count (else the first) is the severity
gaussian_noise(sigma=0..0.5)|median(size=3)      a chain, one step of which has the range
low_quality/*                             a ladder for each degradation of a suite
imagenet_c/fog                            one of them

Values are spaced evenly, in equal factors where the parameter asks for it (photons), whole where
it is whole. Either end may come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from lqjax.imaging.conditions import Condition, parse
from lqjax.imaging.operations import OPERATIONS, Operation
from lqjax.imaging.ranges import BETWEEN, LEAST_LEVELS, Range, check_levels, read_range
from lqjax.imaging.steps import CLEAN, Step
from lqjax.imaging.suites import SUITES, Suite, SuiteEntry
from lqjax.registry import unknown_name
from lqjax.rungs import ConditionLadder
from lqjax.textlists import split_list

RANGE = re.compile(r"(\w+)\s*=\s*([^,()|=]*\.\.[^,()|=]*)")
EXAMPLE = "jpeg(quality=95..5)"
SEVERITY = "severity"
LINEAR, LOG = "linear", "log"


def expand_ladders(texts: str | Iterable[str]) -> tuple[ConditionLadder, ...]:
    """Read ladders, in the order given; a repeated one counts once.

    Args:
      texts: one ladder or pattern each; a single string is split at its commas.

    Raises:
      ValueError: one line that names what is wrong, the nearest allowed name first.

    >>> expand_ladders("jpeg(quality=90..10)")[0].levels
    (90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0)
    """
    found: dict[str, ConditionLadder] = {}
    for text in split_list(texts) if isinstance(texts, str) else tuple(texts):
        dense = " ".join(text.split())
        in_suite = "/" in dense.partition("(")[0].partition("|")[0]
        for ladder in _suite_ladders(dense) if in_suite else [_written_ladder(dense)]:
            found.setdefault(ladder.name, ladder)
    return tuple(found.values())


def _written_ladder(text: str) -> ConditionLadder:
    steps = split_list(text, "|")
    ranged = [place for place, step in enumerate(steps) if BETWEEN in step]
    if len(ranged) != 1:
        raise ValueError(_not_one_range(text, steps, len(ranged)))
    place = ranged[0]
    moved = _read_ranges(steps[place])
    dial = next((r for r in moved.values() if r.count), next(iter(moved.values())))
    count = dial.count or LEAST_LEVELS
    for name, other in moved.items():
        if other.count not in (0, count):
            raise ValueError(
                f"{text!r}: {dial.parameter.name} has {count} values and {name} {other.count};"
                " parameters that move together have equally many: say so once"
            )
    values = {name: r.values(count) for name, r in moved.items()}
    check_levels(dial, values[dial.parameter.name])
    conditions = [
        _at_rung(steps, place, {name: r.parameter.text(values[name][rung])
                                for name, r in moved.items()})
        for rung in range(count)
    ]  # fmt: skip
    return ConditionLadder(
        name=_canonical(steps, place, conditions[0], dial, moved),
        title=_title(conditions[0], place, moved),
        parameter=dial.parameter.name,
        unit="" if dial.parameter.unit == "1" else dial.parameter.unit,
        coordinate=LOG if dial.geometric else LINEAR,
        levels=tuple(float(value) for value in values[dial.parameter.name]),
        conditions=tuple(condition.name for condition in conditions),
    )


def _not_one_range(text: str, steps: tuple[str, ...], ranged: int) -> str:
    """Say what to write where no step has a range, or several have."""
    if ranged:
        return f"{text!r}: several steps have ranges; give one of them a range and fix the others"
    head = (steps or (CLEAN,))[0].partition("(")[0].strip()
    if head not in OPERATIONS:
        parse(head)  # says what there is, the nearest first
        return f"{text!r} is no ladder; write a range of a parameter, as in {EXAMPLE}"
    names = [p.name for p in OPERATIONS[head].parameters if not p.choices]
    return (
        f"{text!r} is no ladder: a range is missing; write {head}({names[0]}=A{BETWEEN}B), as in"
        f" {EXAMPLE}"
    )


def _read_ranges(step: str) -> dict[str, Range]:
    """Read the ranges of one step, by parameter, in the order in which they are written."""
    head = step.partition("(")[0].strip()
    if head not in OPERATIONS:
        parse(head)
    operation = OPERATIONS[head]
    parameters = {p.name: p for p in operation.parameters}
    found: dict[str, Range] = {}
    for name, text in RANGE.findall(step):
        if name not in parameters:
            raise unknown_name(f"parameter of {head}", name, tuple(parameters))
        found[name] = read_range(operation, parameters[name], text.strip())
    if not found:
        names = ", ".join(parameters)
        raise ValueError(
            f"{step!r}: a range needs the name of its parameter ({names}), as in {EXAMPLE}"
        )
    return found


def _at_rung(steps: tuple[str, ...], place: int, values: dict[str, str]) -> Condition:
    written = RANGE.sub(lambda found: f"{found[1]}={values[found[1]]}", steps[place])
    return parse("|".join([*steps[:place], written, *steps[place + 1 :]]))


def _canonical(
    steps: tuple[str, ...], place: int, first: Condition, dial: Range, moved: dict[str, Range]
) -> str:
    """Write the ladder in one way, however it was written: it names what was tested."""
    operation: Operation = dial.operation
    step = first.steps[place]
    given = {piece.partition("=")[0] for piece in split_list(step.level)} | set(moved)
    count = dial.count or LEAST_LEVELS
    texts = [
        f"{p.name}={moved[p.name].text(count if p is dial.parameter else 0)}"
        if p.name in moved
        else f"{p.name}={p.text(step.parameters[p.name])}"
        for p in operation.parameters
        if p.name in given
    ]
    others = [parse(other).name for other in steps[:place] + steps[place + 1 :]]
    others.insert(place, f"{operation.name}({','.join(texts)})")
    return "|".join(others)


def _title(first: Condition, place: int, moved: dict[str, Range]) -> str:
    """Name the degradation for people, without what moves."""

    def fixed(step: Step) -> str:
        names = tuple(f"{name.replace('_', ' ')} " for name in moved)
        return ", ".join(part for part in step.label.split(", ") if not part.startswith(names))

    labels = [
        fixed(step) if number == place else step.label for number, step in enumerate(first.steps)
    ]
    return ", then ".join(label for label in labels if label)


def _suite_ladders(text: str) -> Iterator[ConditionLadder]:
    if any(mark in text for mark in "@(|"):
        raise ValueError(
            f"{text!r}: a ladder of a suite is its name alone, without level, brackets or chain;"
            f" write for example low_quality/jpeg, or a range, as in {EXAMPLE}"
        )
    suite_name, _, pattern = (piece.strip() for piece in text.rpartition("/"))
    suite = SUITES[suite_name]
    names = [name for name in suite.names() if fnmatchcase(name, pattern)]
    if not names:
        raise unknown_name(f"degradation of {suite.name}", pattern, suite.names())
    entries = [suite.entry(name) for name in names]
    enough = len(suite.levels) >= LEAST_LEVELS
    possible = [entry for entry in entries if entry.ladder or entry.path or enough]
    if not possible:
        raise ValueError(_no_ladder(suite, entries[0]))
    for entry in possible:
        if entry.ladder:
            yield replace(_written_ladder(entry.ladder), title=entry.label)
        else:
            yield _level_ladder(suite, entry)


def _no_ladder(suite: Suite, entry: SuiteEntry) -> str:
    """Say which range to write for an entry that has no severities between its levels."""
    operation = OPERATIONS[entry.operation]
    first, *_, last = entry.levels.values()
    moving = next((name for name in first if first[name] != last[name]), "")
    texts = [
        f"{p.name}={p.text(first[p.name])}"
        + (f"{BETWEEN}{p.text(last[p.name])}" if p.name == moving else "")
        for p in operation.parameters
        if p.name in first
    ]
    return (
        f"{suite.name}/{entry.name} has no ladder: {entry.no_path}; write a range of its operation,"
        f" as in {operation.name}({','.join(texts)})"
    )


def _level_ladder(suite: Suite, entry: SuiteEntry) -> ConditionLadder:
    """Take the levels of an entry; if they are few, with as many severities between as it takes."""
    parts = -(-LEAST_LEVELS // len(suite.levels))
    texts: tuple[str, ...] = suite.levels
    if parts > 1:
        texts = tuple(f"{i / parts:.4g}" for i in range(1, parts * len(suite.levels) + 1))
    conditions = [parse(f"{suite.name}/{entry.name}@{text}") for text in texts]
    resolved = [condition.steps[0].parameters for condition in conditions]
    moving = [
        p for p in OPERATIONS[entry.operation].parameters if len({v[p.name] for v in resolved}) > 1
    ]
    name, unit, coordinate = SEVERITY, "", LINEAR
    levels = [condition.steps[0].severity for condition in conditions]
    if len(moving) == 1:
        values = [float(v[moving[0].name]) for v in resolved]
        if len(set(values)) == len(values) and values in (sorted(values), sorted(values)[::-1]):
            name, unit, coordinate, levels = moving[0].name, moving[0].unit, "", values
    return ConditionLadder(
        name=f"{suite.name}/{entry.name}",
        title=entry.label,
        parameter=name,
        unit="" if unit == "1" else unit,
        coordinate=coordinate,
        levels=tuple(levels),
        conditions=tuple(condition.name for condition in conditions),
    )
