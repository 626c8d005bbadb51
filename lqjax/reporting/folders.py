"""Which working directories a report can be made of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lqjax.workdir import Run, Workdir


def refuse_twice(workdirs: Sequence[Workdir]) -> None:
    """Refuse a directory that is given twice: its runs would count twice."""
    seen: set[str] = set()
    for workdir in workdirs:
        text = str(workdir.root)
        place = text.rstrip("/") if "://" in text else os.path.realpath(text)
        if place in seen:
            raise ValueError(f"{text} is given twice; name each working directory once")
        seen.add(place)


def finished_runs(workdir: Workdir) -> list[Run]:
    """Return the runs of a working directory that finished some condition and did not diverge.

    Raises:
      ValueError: there is none, or no such folder.
    """
    refuse_no_folder(workdir)
    found = [run for run in workdir.runs() if run.has_rows() and not run.is_marked()]
    if not found:
        raise ValueError(f"{workdir.root}: no finished condition; run --mode=evaluate there first")
    return found


def refuse_no_folder(workdir: Workdir) -> None:
    """Refuse a path that is none of a working directory.

    Raises:
      ValueError: nothing is there, or a file.
    """
    path = workdir.root
    if not path.exists():
        raise ValueError(
            f"there is no folder {path}; give the working directory of a run (--workdir)"
        )
    if not path.is_dir():
        raise ValueError(
            f"{path} is a file; give the folder that is the working directory of a run (--workdir)"
        )
