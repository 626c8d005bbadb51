"""Which conditions settings stand for, without what degrades images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from lqjax.imaging.suites import SUITES
from lqjax.reporting.conditions import CLEAN
from lqjax.workdir import Workdir

AT, SLASH, STAR = "@", "/", "*"
HAS_STEPS = "(|"
"""Signs of parameters and chains, which only what degrades images can read."""


def planned_conditions(workdir: Workdir, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the conditions that `evaluation.conditions` asks for.

    They are kept since conditions.json is written. An older working directory, and one whose
    settings were written by hand, tells those alone that tables have: `clean` and whole or single
    suites. Of others nothing is known, so that nothing is said to be missing.
    """
    kept = workdir.planned(asked)
    if kept is not None:
        return kept
    return tuple(dict.fromkeys(name for text in asked for name in _named(text.strip())))


def _named(text: str) -> Iterator[str]:
    if text == CLEAN:
        yield text
    path, _, levels = text.partition(AT)
    suite_name, slash, entries = path.rpartition(SLASH)
    if not slash or suite_name not in SUITES or any(sign in text for sign in HAS_STEPS):
        return
    suite = SUITES[suite_name]
    for entry in suite.names():
        for level in suite.levels:
            if fnmatchcase(entry, entries) and fnmatchcase(level, levels or STAR):
                yield f"{suite.name}/{entry}{AT}{level}"
