"""How settings are declared, checked, read from text and listed.

`lqjax.config` says which settings there are; this file knows how a setting behaves: typed,
with unit and range, changed by its dotted path, refused with the nearest allowed names.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lqjax.registry import nearest_first, unknown_name
from lqjax.textlists import split_list

C = TypeVar("C")

TRUE_WORDS = ("true", "1", "yes", "on")
FALSE_WORDS = ("false", "0", "no", "off")


@dataclass(frozen=True)
class Setting:
    """What is known of one setting beside its name, type and default.

    Attributes:
      doc: one phrase, as the documentation prints it.
      unit: of a number; empty for pure numbers and texts.
      low, high: allowed range, both ends included; `None` for no bound.
      choices: allowed texts; empty for any.
      positive: the number must be greater than zero.
    """

    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    positive: bool = False


def setting(default: Any, doc: str, **facts: Any) -> Any:
    """Declare a field of a settings group; `facts` are the attributes of `Setting`."""
    return field(default=default, metadata={"setting": Setting(doc, **facts)})


def group(kind: type[C], doc: str) -> C:
    """Declare a field that is a group of settings."""
    return field(default_factory=kind, metadata={"setting": Setting(doc)})


def leaves(config: Any, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field, Any]]:
    """Yield (dotted path, field, value) of every single setting below a group."""
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{prefix}{f.name}.")
        else:
            yield prefix + f.name, f, value


@functools.cache
def _paths(owner: type, prefix: str = "") -> tuple[str, ...]:
    """List the dotted paths that `leaves` yields of settings of a type."""
    found: list[str] = []
    for f in dataclasses.fields(owner):
        kind = field_type(owner, f.name)
        nested = dataclasses.is_dataclass(kind)
        found += _paths(kind, f"{prefix}{f.name}.") if nested else (prefix + f.name,)
    return tuple(found)


def field_type(owner: type, name: str) -> Any:
    """Return the declared type of a field (annotations are strings at run time)."""
    return _types(owner)[name]


@functools.cache
def _types(owner: type) -> dict[str, Any]:
    # Looking them up means evaluating texts, and each change of one setting checks a whole group.
    return typing.get_type_hints(owner)


def from_text(kind: Any, text: str, path: str) -> Any:
    """Read a value of type `kind` as the command line gives it.

    Tuples split at commas outside brackets; an empty text is an empty tuple.

    Raises:
      ValueError: the text is no such value; the message says what is expected.
    """
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        body = text.strip()
        if body[:1] == "(" and body[-1:] == ")":
            body = body[1:-1]
        return tuple(from_text(inner, part.strip("'\" "), path) for part in split_list(body))
    if kind is bool:
        word = text.strip().lower()
        if word not in TRUE_WORDS + FALSE_WORDS:
            raise ValueError(f"{path}={text}: expected true or false")
        return word in TRUE_WORDS
    if kind is str:
        return text
    return convert(kind, text, path)


def convert(kind: Any, value: Any, path: str) -> Any:
    """Return `value` as type `kind` where nothing is lost.

    Raises:
      ValueError: a value of another type.
    """
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        if isinstance(value, str):
            return from_text(kind, value, path)
        if not hasattr(value, "__iter__"):
            raise ValueError(f"{path}={value!r}: expected a tuple, for example ({value!r},)")
        return tuple(convert(inner, v, path) for v in value)
    if kind in (int, float) and not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):  # the last: more digits than a float holds
            number = None
        if number is not None and (kind is float or number.is_integer()):
            return kind(number)
    elif isinstance(value, kind):
        return value
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    raise ValueError(f"{path}={value!r}: expected {names.get(kind, kind)}")


def check(value: Any, facts: Setting, path: str) -> None:
    """Refuse a value outside a setting's range or choices, naming what is allowed."""
    if isinstance(value, tuple):
        for item in value:
            check(item, facts, path)
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}={value}: not a finite number")
    if facts.choices and value not in facts.choices:
        listing = ", ".join(nearest_first(str(value), facts.choices))
        raise ValueError(f"{path}={value!r} is not possible; allowed: {listing}")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    unit = f" {facts.unit}" if facts.unit else ""
    if facts.positive and value <= 0:
        raise ValueError(f"{path}={value} is not possible; allowed: greater than 0{unit}")
    low = -math.inf if facts.low is None else facts.low
    high = math.inf if facts.high is None else facts.high
    if not low <= value <= high:
        allowed = f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"
        if low == -math.inf:
            allowed = f"greater than 0, up to {high:g}" if facts.positive else f"up to {high:g}"
        raise ValueError(f"{path}={value} is not possible; allowed: {allowed}{unit}")


def normalise(config: C) -> C:
    """Return the settings with every value converted to its type and checked."""
    changes: dict[str, Any] = {}
    for f in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            continue
        kind = field_type(type(config), f.name)
        converted = convert(kind, value, f.name)
        check(converted, f.metadata["setting"], f.name)
        changes[f.name] = converted
    for name, value in changes.items():
        object.__setattr__(config, name, value)
    return config


def replace_at(config: C, path: str, value: Any, *, text: bool = False) -> C:
    """Return the settings with the one at a dotted path changed.

    Args:
      config: settings in groups.
      path: for example "optimizer.learning_rate".
      value: the new value; with `text`, as the command line gives it.

    Raises:
      ValueError: no such setting (the allowed ones are listed, nearest first) or an impossible
        value.
    """
    owner: type = type(config)
    known = _paths(owner)
    head, _, leaf = path.partition(".")
    if path not in known or not leaf:
        siblings = tuple(p for p in known if p.startswith(head + "."))
        raise unknown_name("setting", path, siblings or known)
    settings_group = getattr(config, head)
    try:
        if text:
            value = _read(settings_group, leaf, value)
        changed = dataclasses.replace(settings_group, **{leaf: value})
    except ValueError as error:
        raise ValueError(f"{head}.{error}") from None
    return dataclasses.replace(config, **{head: changed})  # type: ignore[type-var]


def _read(settings_group: Any, leaf: str, text: str) -> Any:
    try:
        return from_text(field_type(type(settings_group), leaf), text, leaf)
    except ValueError as error:
        message = str(error)
        raise ValueError(message if message.startswith(leaf) else f"{leaf}: {message}") from None
