"""The log as JSON lines, `log.jsonl` in the run's folder."""

from __future__ import annotations

import json
import time
from typing import TextIO

from etils import epath

from lqjax.training.staging import Staging
from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

FILE_NAME = "log.jsonl"


def lines_up_to(path: epath.Path, step: int) -> list[str]:
    """Read the lines of a log up to a step; absent files have none, half-written lines go."""
    if not path.exists():
        return []
    return [line for line in path.read_text().splitlines() if _step_of(line) <= step]


def _step_of(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # cut off by a kill


@WRITERS.register("jsonl")
class JsonLines:
    """Adds {"step": ..., "time": seconds since 1970, ...} a call; each line is on disk at once.

    On a bucket the file is replaced now and then, and at the end.
    """

    def __init__(self, say: Say) -> None:
        self._staging: Staging | None = None

    def start(self, run: Run, step: int) -> None:
        """Keep the lines up to the step: a step that is trained again stands once."""
        kept = lines_up_to(run.root / FILE_NAME, step)
        self._staging = Staging(run.root)
        path = self._staging.local / FILE_NAME
        temporary = path.with_name(FILE_NAME + ".tmp")
        temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        temporary.replace(path)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, step: int, values: Values) -> None:
        """Add a line."""
        record = {"step": step, "time": round(time.time(), 3), **values}
        self._file.write(json.dumps(record, allow_nan=False) + "\n")
        self._file.flush()
        if self._staging and self._staging.due():
            self._staging.publish()

    def close(self) -> None:
        """Close the file."""
        if self._staging:
            self._file.close()
            self._staging.close()
            self._staging = None
