"""Changing settings by path or keyword, and comparing two sets of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from lqjax.config import Config, flatten
from lqjax.precedence import changed, value_at
from lqjax.registry import unknown_name
from lqjax.settings import leaves, replace_at
from lqjax.variants import SIGN


def override(config: Config, path: str, text: str) -> Config:
    """Change one setting by its dotted path and a text from the command line; see `override_all`.

    Of changes that are made one after the other, the later go before the earlier.
    """
    return override_all(config, [(path, text)])


def override_all(config: Config, changes: Iterable[tuple[str, str]]) -> Config:
    """Change settings by their dotted paths and texts, as one command line gives them.

    What is given for all networks takes the place of the recipe's overrides;
    `overrides.<model>.<path>` changes a setting for one of the compared networks only, and goes
    before it. Of two texts for one path the later holds.

    Raises:
      ValueError: unknown setting or impossible value, with what is allowed.
    """
    shared: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    for path, text in changes:
        if not path.startswith("overrides."):
            shared[path] = _read(config, path, text)
            continue
        _, model, rest = (*path.split(".", maxsplit=2), "")[:3]
        if SIGN in model:
            raise ValueError(
                f"{path}: overrides go by network, {model.partition(SIGN)[0]}, whatever"
                " the learning rate"
            )
        if not rest:
            raise ValueError(f"{path}: write overrides.<model>.<setting>=<value>")
        own.setdefault(model, {})[rest] = _read(config, rest, text)
    return changed(config, shared, own)


def flags(config: Config, base: Config, group: str) -> list[str]:
    """Return the command line's flags that give a group of settings the values of `config`.

    Args:
      config: with the values wanted.
      base: what a recipe says; what is the same there needs no flag.
      group: such as "data".
    """
    before = leaf_values(base)
    return [
        f"--config.{path}={_text(value)}"
        for path, value in leaf_values(config).items()
        if path.startswith(f"{group}.") and value != before[path]
    ]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _read(config: Config, path: str, text: str) -> Any:
    return value_at(replace_at(config, path, text, text=True), path)


def leaf_values(config: Config) -> dict[str, Any]:
    """Map the dotted path of every setting to its value (overrides left out)."""
    return {path: value for path, _, value in leaves(config) if path != "overrides"}


def from_arguments(base: Config, arguments: Mapping[str, Any]) -> Config:
    """Change settings by plain keyword arguments.

    A keyword is the last part of a setting's path where that is unambiguous
    (`learning_rate`), or group and setting joined by an underscore (`evaluation_batch_size`).

    A value for all networks takes the place of the base's overrides of that setting. The keyword
    `overrides` stands for all of the base's overrides, and goes before the other keywords.

    Raises:
      ValueError: unknown or ambiguous keyword, or impossible value.
    """
    short, long = keywords(base)
    by_keyword = {**long, **short}
    shared: dict[str, Any] = {}
    own: Mapping[str, Any] = {}
    for keyword, value in arguments.items():
        if keyword == "overrides":
            base, own = dataclasses.replace(base, overrides={}), value
        elif keyword in by_keyword:
            shared[by_keyword[keyword]] = value
        else:
            meant = [k for k, path in long.items() if path.rpartition(".")[2] == keyword]
            if meant:
                raise ValueError(f"argument {keyword!r} is ambiguous: write {' or '.join(meant)}")
            ambiguous = tuple(k for k, path in long.items() if path not in short.values())
            raise unknown_name("argument", keyword, (*short, *ambiguous, "overrides"))
    # Taken up by the settings once, they are flat, checked, and of the right types.
    given = dataclasses.replace(Config(), overrides=own).overrides
    return changed(base, shared, given)


def keywords(config: Config) -> tuple[dict[str, str], dict[str, str]]:
    """Map keywords to dotted paths: the short unambiguous ones, and all the long ones."""
    paths = tuple(leaf_values(config))
    names = [path.rpartition(".")[2] for path in paths]
    short = {name: path for name, path in zip(names, paths, strict=True) if names.count(name) == 1}
    return short, {path.replace(".", "_", 1): path for path in paths}


def to_dict(config: Config) -> dict[str, Any]:
    """Return the settings as nested plain dicts, lists and scalars (JSON)."""
    return _plain(dataclasses.asdict(config))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], ignored: tuple[str, ...] = ()
) -> list[str]:
    """List the settings in which two `to_dict` records differ: "path: a -> b"."""
    one, two = flatten(first), flatten(second)
    return [
        f"{path}: {one.get(path, 'absent')} -> {two.get(path, 'absent')}"
        for path in sorted({*one, *two})
        if path not in ignored and one.get(path, "absent") != two.get(path, "absent")
    ]
