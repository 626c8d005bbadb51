"""Conditions that are misspelled: a file of predictions must not invent one by a slip."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import lqjax.degradations
import lqjax.restorations
from lqjax.imaging.kernel_names import KERNELS
from lqjax.imaging.published import PUBLISHED
from lqjax.imaging.suites import SUITES
from lqjax.registry import likeness, nearest_first
from lqjax.rungs import UNDEGRADED

ALIKE = 0.75
"""Likeness, from 0 to 1, from which a word that nobody knows is taken for a slip: two letters that
changed places in a word of four."""

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PARAMETER = re.compile(r"\bParameter\(\s*\"(\w+)\"")
"""How the file of an operation declares one of its parameters."""

QUANTIZE = "quantize"
"""The option that a condition of a suite may have."""

NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(\.\d+)?(e[+-]?\d+)?(?![A-Za-z0-9_.])", re.IGNORECASE)


def check_spelling(place: str, condition: str, known: Iterable[str]) -> None:
    """Refuse a condition that nearly is one of ours, or a word of it that nearly is a name of ours.

    Another number is no slip, nor is a name that resembles none: both are conditions of their own.

    Args:
      place: file and line, for the message.
      condition: as written.
      known: what other runs were tested under.

    Raises:
      ValueError: names the nearest.
    """
    ours = tuple(known)
    if condition in ours:
        return
    same = next((name for name in ours if _plain(name) == _plain(condition)), None)
    if same is not None:
        raise ValueError(f"{place}: condition {condition!r}; it is spelled {same!r}")
    words = _names() | {word for name in ours for word in WORD.findall(name)}
    for word in WORD.findall(condition):
        if word in words:
            continue
        (nearest, *_) = nearest_first(word, tuple(sorted(words)))
        if likeness(word, nearest) >= ALIKE:
            whole = nearest_first(condition, ours)[:1]
            such = f", as in {whole[0]!r}" if whole and nearest in WORD.findall(whole[0]) else ""
            raise ValueError(
                f"{place}: condition {condition!r}: {word!r} is not known; is it {nearest!r}{such}?"
                " Write it as results.csv does, or give a condition of your own a name that is less"
                " like it"
            )


def _plain(condition: str) -> str:
    """Leave out what does not matter: case, spaces, and how a number is written."""
    text = "".join(condition.lower().split())
    return NUMBER.sub(lambda found: f"{float(found[0]):g}", text)


@cache
def _names() -> frozenset[str]:
    """Name what conditions may be made of: operations and their parameters, suites, sets read."""
    texts = {UNDEGRADED, QUANTIZE, *KERNELS, *_operations()}
    for suite in (SUITES[name] for name in SUITES):
        texts |= {suite.name, *suite.names(), *suite.levels}
    for read in PUBLISHED.values():
        texts |= {read.name, *read.corruptions, *read.levels}
    return frozenset(word for text in texts for word in WORD.findall(text))


def _operations() -> set[str]:
    """Name the operations and their parameters by their files: importing those would start jax."""
    found = set()
    for package in (lqjax.degradations, lqjax.restorations):
        for folder in package.__path__:
            for module in pkgutil.iter_modules([folder]):
                if not module.ispkg:
                    source = Path(folder, f"{module.name}.py").read_text(encoding="utf-8")
                    found |= {module.name, *PARAMETER.findall(source)}
    return found
