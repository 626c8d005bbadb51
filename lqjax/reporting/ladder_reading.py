"""Which conditions of a study belong to a ladder only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from lqjax.rungs import Rungs, merge_rungs
from lqjax.workdir import Workdir


def read_rungs(workdirs: Sequence[Workdir], configs: Sequence[Mapping[str, Any]]) -> Rungs:
    """Put together what the working directories tested as a grid, and as ladders.

    One that has no ladders counts what its configuration asked for as its grid: there the same
    condition may be another's rung. Predictions of other code ask for nothing.
    """
    kept = [workdir.rungs() for workdir in workdirs]
    if not any(kept):
        return Rungs()
    several = []
    for workdir, config, rungs in zip(workdirs, configs, kept, strict=True):
        patterns = config.get("evaluation", {}).get("conditions", [])
        several.append(Rungs(_asked_for(workdir, patterns)) if rungs is None else rungs)
    return merge_rungs(several)


def _asked_for(workdir: Workdir, patterns: Sequence[str]) -> tuple[str, ...]:
    names = dict.fromkeys(row.condition for run in workdir.runs() for row in run.rows())
    return tuple(
        name
        for name in names
        if any(fnmatchcase(name, p) or name.startswith(f"{p}@") for p in patterns)
    )
