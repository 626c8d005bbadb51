"""The log as JSON lines, `log.jsonl` in the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, TextIO

from etils import epath

from lqjax.disk import named
from lqjax.rows import Epoch
from lqjax.training.epoch_values import epoch_values, finite
from lqjax.training.staging import Staging
from lqjax.training.writers.base import WRITERS, Say, Values
from lqjax.workdir import Run

FILE_NAME = "log.jsonl"


def standing(path: epath.Path, step: int, history: Sequence[Epoch]) -> list[str]:
    """Read what stands of a log: the lines up to a step, and one of each finished epoch.

    A kill can come between the end of an epoch and its line, and between that line and the
    checkpoint that makes the epoch count: the first is added, the second goes. So do half-written
    lines.
    """
    lines = [_parsed(line) for line in _text(path).splitlines()]
    there = [line for line in lines if line and line["step"] <= step]
    of_epochs = {line["epoch"]: line for line in there if "epoch" in line}
    kept = [line for line in there if "epoch" not in line]
    for record in history:
        kept.append(of_epochs.get(record.epoch) or _line(record.step, epoch_values(record)))
    kept.sort(key=lambda line: (line["step"], "epoch" in line))
    return [json.dumps(line) for line in kept]


def _text(path: epath.Path) -> str:
    return path.read_bytes().decode(errors="replace") if path.exists() else ""


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
        numbered = isinstance(line["step"], int) and isinstance(line.get("epoch", 0), int | float)
        return line if numbered else None
    except (ValueError, KeyError, TypeError):
        return None  # cut off by a kill


def _line(step: int, values: Values) -> dict[str, Any]:
    return {"step": step, "time": round(time.time(), 3), **finite(values)}


@WRITERS.register("jsonl")
class JsonLines:
    """Adds {"step": ..., "time": seconds since 1970, ...} a call; each line is on disk at once.

    On a bucket the file is replaced now and then, and at the end.
    """

    def __init__(self, say: Say) -> None:
        self._staging: Staging | None = None

    def start(self, run: Run, step: int) -> None:
        """Keep the lines up to the step: a step that is trained again stands once."""
        kept = standing(run.root / FILE_NAME, step, run.history())
        self._staging = Staging(run.root)
        path = self._staging.local / FILE_NAME
        temporary = path.with_name(FILE_NAME + ".tmp")
        with named(path):
            temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
            temporary.replace(path)
        self._file: TextIO = path.open("a", encoding="utf-8")

    def complete(self, run: Run) -> None:
        """Add the lines of finished epochs that a kill kept out; a log that has all stays."""
        history, path = run.history(), run.root / FILE_NAME
        kept = standing(path, history[-1].step, history)
        whole = "".join(line + "\n" for line in kept)
        if whole != _text(path):
            run.write_text(FILE_NAME, whole)

    def write(self, step: int, values: Values) -> None:
        """Add a line."""
        with named(self._file.name):
            self._file.write(json.dumps(_line(step, values), allow_nan=False) + "\n")
            self._file.flush()
        if self._staging and self._staging.due():
            self._staging.publish()

    def close(self) -> None:
        """Close the file."""
        if self._staging:
            with named(self._file.name):  # which writes what could not be written before
                self._file.close()
            self._staging.close()
            self._staging = None
