"""By which number a cell sorts."""

from __future__ import annotations

import re

from lqjax.reporting.formatting import SECONDS_A_MINUTE, SECONDS_AN_HOUR, SI_PREFIXES

LEADING_NUMBER = re.compile(
    r"(?P<bound>[<>]?)(?P<number>[+\-−]?\d[\d,]*(?:\.\d+)?)"
    r"(?: ?(?P<prefix>[TGMk])(?P<binary>i?)B?\b)?"
)
DURATION = re.compile(r"(\d+) (h|min|s)\b")
SECONDS = {"h": SECONDS_AN_HOUR, "min": SECONDS_A_MINUTE, "s": 1}
KIBI = 1024
BEYOND = {"<": 1 - 1e-9, ">": 1 + 1e-9}
"""What is below a number sorts before it, what is above behind it."""


def sort_value(text: str) -> float | None:
    """Return the number that a cell begins with, in its basic unit; `None` where it is words.

    Signs, thousands, SI prefixes and durations count; intervals and what follows do not.

    >>> sort_value("82.3 [80.1, 84.5]"), sort_value("4.09 G"), sort_value("3 min 12 s")
    (82.3, 4090000000.0, 192.0)
    """
    long = DURATION.findall(text)
    if long and DURATION.match(text) and len(long) > 1:
        return float(sum(int(count) * SECONDS[unit] for count, unit in long))
    found = LEADING_NUMBER.match(text)
    if not found:
        return None
    value = float(found["number"].replace(",", "").replace("−", "-"))
    if found["prefix"]:
        value *= _size(found["prefix"], bool(found["binary"]))
    elif re.match(r" (h|min)\b", text[found.end() :]):
        value *= SECONDS[text[found.end() :].split()[0]]
    return value * BEYOND.get(found["bound"], 1.0)


def _size(prefix: str, binary: bool) -> float:
    size = next(size for size, name in SI_PREFIXES if name == prefix)
    thousands = [name for _, name in reversed(SI_PREFIXES)].index(prefix) + 1
    return float(KIBI**thousands) if binary else size
