"""What a working directory says of itself: its settings and its environment, checked as read."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from etils import epath

from lqjax.config import Config
from lqjax.damaged import damaged, quoted, read_object
from lqjax.settings import Setting, check, field_type, leaves
from lqjax.workdir import Workdir

Kind = Any
"""What JSON may hold: `bool`, `int`, `float`, `str`, `dict`, a tuple of one kind, or a pair."""

WORDS: Mapping[Kind, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    dict: "an object",
}
LISTS: Mapping[Kind, str] = {
    int: "a list of whole numbers",
    float: "a list of numbers",
    str: "a list of texts",
}
ENVIRONMENT_KINDS: Mapping[str, Kind] = {
    "packages": dict,
    "dataset": dict,
    "dataset.train": int,
    "dataset.validation": int,
    "dataset.test": int,
    "dataset.notes": tuple[str, ...],
    "dataset.skipped": tuple[tuple[str, str], ...],
}
"""What reports read of an environment beyond plain words."""

COUNTED: Mapping[str, Setting] = {
    path: field.metadata["setting"] for path, field, _ in leaves(Config()) if path == "data.folds"
}
"""What a report counts up to, which a wrong number would have go on for ever."""


def read_config(workdir: Workdir) -> dict[str, Any]:
    """Read the settings that a working directory was made with; empty where none are kept.

    Settings that this version does not know may be there, and known ones may be missing.

    Raises:
      DamagedError: not JSON, or a value of another kind than the setting has.
    """
    return _read(workdir.root / "config.json", _config_kinds())


def read_environment(workdir: Workdir) -> dict[str, Any]:
    """Read what a working directory was made on and with; empty where it is not kept.

    Raises:
      DamagedError: not JSON, or a value of another kind.
    """
    return _read(workdir.root / "environment.json", ENVIRONMENT_KINDS)


def _config_kinds() -> dict[str, Kind]:
    """Return the kind of each group, then of each setting, by its path."""
    default, kinds = Config(), {"overrides": dict}
    for path, field, _ in leaves(default):
        head = path.partition(".")[0]
        kinds.setdefault(head, dict)
        if head != path:
            kinds[path] = field_type(type(getattr(default, head)), field.name)
    return kinds


def _read(path: epath.Path, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    if not path.exists():
        return {}
    found = read_object(path)
    for name, value, kind in _values(found, kinds):
        if not _fits(value, kind):
            raise damaged(path, f"{name} is {quoted(value)}, expected {_words(kind)}")
        if name in COUNTED:
            try:
                check(value, COUNTED[name], name)
            except ValueError as error:
                raise damaged(path, error) from None
    return found


def _values(found: Any, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Any, Kind]]:
    """Yield name, value and kind of what is there; a group comes before what it holds."""
    for path, kind in kinds.items():
        head, _, leaf = path.partition(".")
        if head in found and not leaf:
            yield head, found[head], kind
        elif head in found and leaf in found[head]:
            yield path, found[head][leaf], kind
    for network, fields in found.get("overrides", {}).items():
        yield f"overrides.{network}", fields, dict


def _fits(value: Any, kind: Kind) -> bool:
    if typing.get_origin(kind) is tuple:
        first, rest = typing.get_args(kind)
        if not isinstance(value, list) or (rest is not ... and len(value) != len((first, rest))):
            return False
        return all(_fits(item, first) for item in value)
    if kind in (int, float):
        allowed = int if kind is int else (int, float)
        number = isinstance(value, allowed) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max  # nor NaN
    return isinstance(value, kind)


def _words(kind: Kind) -> str:
    if typing.get_origin(kind) is tuple:
        return LISTS.get(typing.get_args(kind)[0], "a list of pairs")
    return WORDS[kind]
