"""Conditions that are misspelled: a file of predictions must not invent one by a slip."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable
from functools import cache

import lqjax.degradations
import lqjax.degradations.suites
import lqjax.restorations
from lqjax.registry import likeness, nearest_first
from lqjax.rungs import UNDEGRADED

ALIKE = 0.75
"""Likeness, from 0 to 1, from which a word that nobody knows is taken for a slip: two letters that
changed places in a word of four."""

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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
        (nearest, *_) = nearest_first(word, tuple(sorted(words)))
        if word not in words and likeness(word, nearest) >= ALIKE:
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
    """Name what comes with the package, by its files: nothing of it is imported."""
    folders = (lqjax.degradations, lqjax.degradations.suites, lqjax.restorations)
    found = {module.name for folder in folders for module in pkgutil.iter_modules(folder.__path__)}
    return frozenset({*found, UNDEGRADED})
