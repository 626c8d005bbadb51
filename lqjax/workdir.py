"""Where a run keeps what: the layout of a working directory; no jax.

workdir/
  lock                              held by the run that is using it
  config.json, environment.json     what ran, and on what
  images.json                       which images, to recognise them
  manifest.csv, manifest.json       every example, what it is for and a digest of its file
  duplicates.csv                    pictures that are there more than once
  gallery.npz, mistakes.npz         degraded examples for the report, and those that mislead
  conditions.json                   which conditions the settings stand for
  ladders.json                      which conditions belong to a ladder only, if any do
  runs/<model>/seed0-fold0/
    checkpoints/                    Orbax
    history.jsonl, cost.json        `Epoch` lines, one `Cost`
    diverged.json                   `Divergence`, of a run that ended so among learning rates
    throughput.jsonl, layers.jsonl  `Throughput` lines by batch size, `Layer` lines
    examples.npz                    ids and labels of the test split
    validation.npz                  ids, labels and logits of the validation split
    earlier/epoch<n>/               results of weights that were lost since
    conditions/<condition>.npz      logits of every test image
    conditions/<condition>.json     the finished `Row`
    readings/<reading>/             the same weights, read otherwise: reading.json and conditions/
  results.jsonl, results.csv        all rows
  report/                           report.html and what it links to
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from etils import epath

from lqjax.array_files import read_arrays, write_arrays
from lqjax.damaged import DamagedError, brief, damaged, read_object, read_text
from lqjax.rows import (
    Cost,
    Divergence,
    Epoch,
    Layer,
    Row,
    Throughput,
    read_lines,
    read_record,
    replace_bytes,
    replace_text,
    to_json,
    write_csv,
    write_lines,
)
from lqjax.rungs import Rungs, rungs_from_json, rungs_to_json

RUN_NAME = re.compile(r"seed(\d+)-fold(\d+)")
LONGEST_SLUG = 80
CONDITIONS, EARLIER = "conditions", "earlier"
PLANNED = "conditions.json"
COMMITTED = "commit_success.txt"
READINGS, READING = "readings", "reading.json"


RUNS = "runs"
"""Folder of a working directory in which each run has one, MODEL/seed0-fold0."""


def slug(condition: str) -> str:
    """Turn a condition into a file name that is unique and readable."""
    plain = re.sub(r"[^A-Za-z0-9.=-]+", "_", condition).strip("_")
    return f"{plain[:LONGEST_SLUG]}-{zlib.crc32(condition.encode()):08x}"


@dataclass(frozen=True)
class Run:
    """The folder of one trained network: model, seed, fold.

    Attributes:
      writes: false where another process writes; then what writes does nothing.
      several_seeds, several_folds: whether the model is trained with other seeds, on other folds.
    """

    root: epath.Path
    model: str
    seed: int
    fold: int
    writes: bool = True
    several_seeds: bool = False
    several_folds: bool = False

    @property
    def title(self) -> str:
        """What to call it: by its model, and by seed and fold where there are several."""
        parts = [f"seed {self.seed}"] if self.several_seeds else []
        parts += [f"fold {self.fold}"] if self.several_folds else []
        return f"{self.model} ({', '.join(parts)})" if parts else self.model

    @property
    def checkpoints(self) -> epath.Path:
        """Folder of the Orbax checkpoints."""
        return self.root / "checkpoints"

    def has_checkpoint(self) -> bool:
        """Tell whether there is a checkpoint or, on a bucket, the beginning of one."""
        folder = self.checkpoints
        return folder.exists() and any(path.name.isdigit() for path in folder.iterdir())

    def is_trained(self) -> bool:
        """Tell whether there is a checkpoint; one appears whole, named by its step."""
        folder = self.checkpoints
        return folder.exists() and any(is_whole(path) for path in folder.iterdir())

    def checkpoint_steps(self) -> list[int]:
        """List the steps of which there is a checkpoint, whether or not it can be read."""
        folder = self.checkpoints
        found = folder.iterdir() if folder.exists() else ()
        return sorted(int(path.name) for path in found if is_whole(path))

    def reading(self, name: str) -> ReadingRun:
        """Name the folder of a reading of this network, such as `batch_norm(prior=16)`."""
        folder = self.root / READINGS / slug(name)
        flags = self.writes, self.several_seeds, self.several_folds
        return ReadingRun(folder, self.model, self.seed, self.fold, *flags, asked=name)

    def readings(self) -> list[ReadingRun]:
        """List the readings that were begun, sorted by file name.

        Raises:
          DamagedError: the record of one cannot be read.
        """
        folder = self.root / READINGS
        found = sorted(folder.iterdir()) if folder.exists() else []
        runs = []
        for path in found:
            if not (path / READING).exists():
                continue
            name = str(read_object(path / READING, self.repair()).get("name"))
            if slug(name) != path.name:
                raise damaged(path / READING, f"it is of {brief(name)}", self.repair())
            runs.append(self.reading(name))
        return runs

    @property
    def history_path(self) -> epath.Path:
        """File of the `Epoch` lines."""
        return self.root / "history.jsonl"

    def history(self) -> list[Epoch]:
        """Read the epochs trained so far."""
        return read_lines(Epoch, self.history_path, self.repair("train"))

    def cost(self) -> Cost | None:
        """Read what the model costs; `None` before it was measured."""
        path = self.root / "cost.json"
        return read_record(Cost, path, self.repair()) if path.exists() else None

    @property
    def mark(self) -> epath.Path:
        """File that says that training is not gone on with."""
        return self.root / "diverged.json"

    def is_marked(self) -> bool:
        """Tell whether the run is marked as diverged."""
        return self.mark.exists()

    def divergence(self) -> Divergence | None:
        """Read how training ended that is not gone on with; `None` for one that may go on."""
        if not self.is_marked():
            return None
        return read_record(Divergence, self.mark, "delete it to go on with this run")

    def write_divergence(self, divergence: Divergence) -> None:
        """Mark the run as one whose training is not gone on with."""
        self.write_text(self.mark.name, to_json(divergence) + "\n")

    def is_measured(self) -> bool:
        """Tell whether the cost was measured.

        Raises:
          DamagedError: a record of it cannot be read.
        """
        self.throughputs()
        self.layers()
        return self.cost() is not None

    def write_cost(self, cost: Cost) -> None:
        """Keep what the model costs."""
        self.write_text("cost.json", to_json(cost) + "\n")

    def throughputs(self) -> list[Throughput]:
        """Read the throughput by batch size; empty before it was measured."""
        return read_lines(Throughput, self.root / "throughput.jsonl", self.repair())

    def write_throughputs(self, throughputs: Sequence[Throughput]) -> None:
        """Keep the throughput by batch size."""
        if self.writes:
            write_lines(throughputs, self.root / "throughput.jsonl")

    def layers(self) -> list[Layer]:
        """Read the multiply-adds by layer; empty before they were counted."""
        return read_lines(Layer, self.root / "layers.jsonl", self.repair())

    def write_layers(self, layers: Sequence[Layer]) -> None:
        """Keep the multiply-adds by layer."""
        if self.writes:
            write_lines(layers, self.root / "layers.jsonl")

    def write_history(self, history: Sequence[Epoch]) -> None:
        """Keep the epochs trained so far."""
        if self.writes:
            write_lines(history, self.history_path)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of this folder at once, never in part."""
        if self.writes:
            replace_text(self.root / name, text)

    def row(self, condition: str) -> Row | None:
        """Read the row of a finished condition; `None` while it is not finished."""
        path = self.root / CONDITIONS / f"{slug(condition)}.json"
        return self._read_row(path) if path.exists() else None

    def rows(self) -> list[Row]:
        """Read the rows of all finished conditions, sorted by file name.

        Raises:
          DamagedError: one of them cannot be read.
        """
        return [self._read_row(path) for path in self._row_files()]

    def readable_rows(self) -> list[Row]:
        """Read the rows as `rows` does, without those that are damaged."""
        found = []
        for path in self._row_files():
            try:
                found.append(self._read_row(path))
            except DamagedError:  # told by whoever needs it
                continue
        return found

    def has_rows(self) -> bool:
        """Tell whether any condition was finished, readable or not."""
        return bool(self._row_files())

    def _row_files(self) -> list[epath.Path]:
        folder = self.root / CONDITIONS
        if not folder.exists():
            return []
        return sorted(p for p in folder.iterdir() if p.name.endswith(".json"))

    def _read_row(self, path: epath.Path) -> Row:
        row = read_record(Row, path, self.condition_repair)
        if slug(row.condition) + ".json" != path.name:
            raise damaged(path, f"it is of {row.condition}", self.condition_repair)
        return row

    def put_results_aside(self, epoch: int) -> epath.Path:
        """Move what was measured with the weights of an epoch aside; return where it lies now."""
        parent = self.root / EARLIER
        target, number = parent / f"epoch{epoch}", 1
        while target.exists():
            target, number = parent / f"epoch{epoch}-{number}", number + 1
        target.mkdir(parents=True)
        # The rows last: by them it is seen that there is something to move.
        for path in (self.validation_path, self.root / CONDITIONS):
            if path.exists():
                path.rename(target / path.name)
        return target

    @property
    def workdir(self) -> epath.Path:
        """The working directory that the run belongs to."""
        return self.root.parent.parent.parent

    def repair(self, mode: str = "evaluate") -> str:
        """Name the command that writes a damaged file of this folder again."""
        return f"--mode={mode} --workdir={self.workdir} writes it again"

    @property
    def condition_repair(self) -> str:
        """Name what mends a condition."""
        return f"{self.repair()}, or leave the condition out: delete its .npz and .json"

    def write_condition(self, row: Row, logits: np.ndarray) -> None:
        """Keep a finished condition: scores first, the row last, so that a row means finished."""
        self._write_answers(row, logits=logits.astype(np.float32))

    def write_predicted(self, row: Row, predicted: np.ndarray) -> None:
        """Keep a finished condition of which only the predicted classes are known."""
        self._write_answers(row, predicted=predicted.astype(np.int32))

    def _write_answers(self, row: Row, **arrays: np.ndarray) -> None:
        if not self.writes:
            return
        folder = self.root / CONDITIONS
        write_arrays(folder / f"{slug(row.condition)}.npz", **arrays)
        replace_text(folder / f"{slug(row.condition)}.json", to_json(row) + "\n")

    def logits(self, condition: str) -> np.ndarray:
        """Read the scores of a finished condition: float32, (examples, classes).

        Raises:
          ValueError: only the predicted classes are known; the row then has no loss.
        """
        found = self.answers(condition)
        if "logits" not in found:
            raise ValueError(f"{self.model} under {condition}: only predicted classes are known")
        return found["logits"]

    def answers(self, condition: str) -> dict[str, np.ndarray]:
        """Read `logits` of a finished condition or, of other code, perhaps `predicted` alone."""
        return read_arrays(self.answers_path(condition), self.condition_repair)

    def answers_path(self, condition: str) -> epath.Path:
        """File of what the network answered under a condition."""
        return self.root / CONDITIONS / f"{slug(condition)}.npz"

    def write_examples(
        self,
        ids: np.ndarray,
        labels: np.ndarray,
        classes: tuple[str, ...],
        groups: np.ndarray | None = None,
    ) -> None:
        """Keep what the rows of all score files stand for."""
        if not self.writes:
            return
        write_arrays(
            self.examples_path,
            ids=ids.astype(str),
            labels=labels,
            classes=np.array(classes, dtype=str),
            **({} if groups is None else {"groups": groups.astype(str)}),
        )

    def examples(self) -> dict[str, np.ndarray]:
        """Read `ids`, `labels` (int32) and `classes` of the test split, and `groups` if it has."""
        return read_arrays(self.examples_path, self.repair())

    @property
    def examples_path(self) -> epath.Path:
        """File of the ids and labels of the test images."""
        return self.root / "examples.npz"

    @property
    def validation_path(self) -> epath.Path:
        """File of the scores of the validation images, by the weights that were tested."""
        return self.root / "validation.npz"

    def write_validation(self, ids: np.ndarray, labels: np.ndarray, logits: np.ndarray) -> None:
        """Keep the scores of the validation images: a temperature can be fitted from them."""
        if self.writes:
            scores = logits.astype(np.float32)
            write_arrays(self.validation_path, ids=ids.astype(str), labels=labels, logits=scores)

    def validation(self) -> dict[str, np.ndarray] | None:
        """Read `ids`, `labels` (int32) and `logits` of the validation split; `None` without."""
        path = self.validation_path
        if not path.exists():
            return None
        arrays = read_arrays(path, self.repair())
        for name in ("labels", "logits"):
            if name not in arrays or not np.issubdtype(arrays[name].dtype, np.number):
                raise damaged(path, f"it holds no {name}", self.repair())
        return arrays


@dataclass(frozen=True)
class ReadingRun(Run):
    """The folder of one reading of a network, inside that of its run: rows and answers.

    It is no run of its own: nothing that lists runs finds it.

    Attributes:
      asked: canonical text of the reading.
    """

    asked: str = ""

    @property
    def title(self) -> str:
        """What to call it: as its run, and by the reading."""
        return f"{super().title}, {self.asked}"

    @property
    def workdir(self) -> epath.Path:
        """The working directory that the run belongs to."""
        return self.root.parent.parent.parent.parent.parent

    def record(self) -> dict[str, Any]:
        """Read what is kept of the reading beside its results; empty before it was begun.

        Raises:
          DamagedError: it cannot be read.
        """
        path = self.root / READING
        return read_object(path, self.repair()) if path.exists() else {}

    def write_record(self, record: dict[str, Any]) -> None:
        """Keep what the reading is."""
        text = json.dumps({"name": self.asked, **record}, indent=1, ensure_ascii=False)
        self.write_text(READING, text + "\n")


@dataclass(frozen=True)
class Workdir:
    """A working directory; `root` may be local or on a bucket.

    Attributes:
      writes: false where another process writes; then what writes does nothing.
    """

    root: epath.Path
    writes: bool = True

    @classmethod
    def at(cls, path: epath.PathLike, *, writes: bool = True) -> Workdir:
        """Name a working directory; nothing is created yet."""
        # Shells leave a `~` behind an equals sign; an address stays as it is.
        return cls(epath.Path(os.path.expanduser(path)), writes)  # noqa: PTH111

    @property
    def report(self) -> epath.Path:
        """Folder of the report."""
        return self.root / "report"

    @property
    def gallery(self) -> epath.Path:
        """File of the degraded examples."""
        return self.root / "gallery.npz"

    @property
    def mistakes(self) -> epath.Path:
        """File of the most confident wrong answers with their pictures."""
        return self.root / "mistakes.npz"

    def run(self, model: str, seed: int, fold: int = 0) -> Run:
        """Name the folder of one trained network."""
        folder = self.root / RUNS / model / f"seed{seed}-fold{fold}"
        return Run(folder, model, seed, fold, self.writes)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of this directory at once, never in part."""
        if self.writes:
            replace_text(self.root / name, text)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file of this directory at once, never in part."""
        if self.writes:
            replace_bytes(self.root / name, content)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Keep all rows, as JSON lines and as CSV."""
        if self.writes:
            write_lines(rows, self.root / "results.jsonl")
            write_csv(rows, self.root / "results.csv")

    def write_planned(self, asked: Sequence[str], names: Sequence[str]) -> None:
        """Keep which conditions the texts of `evaluation.conditions` stand for, by name."""
        record = {"asked": list(asked), "conditions": list(names)}
        self.write_text(PLANNED, json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def planned(self, asked: Sequence[str]) -> tuple[str, ...] | None:
        """Read the names of the conditions that are asked for; `None` where not kept for these."""
        path = self.root / PLANNED
        if not path.exists():
            return None
        try:
            record = read_object(path)
            if record["asked"] == list(asked):
                return tuple(map(str, record["conditions"]))
        except (ValueError, KeyError, TypeError):  # the next run writes it again
            pass
        return None

    def rungs(self) -> Rungs | None:
        """Read which conditions are of the grid and which of a ladder; `None` without ladders."""
        path = self.root / "ladders.json"
        if not path.exists():
            return None
        try:
            return rungs_from_json(read_text(path))
        except DamagedError:
            raise
        except ValueError as error:
            raise damaged(path, error) from None

    def add_rungs(self, rungs: Rungs) -> None:
        """Keep which conditions are of the grid and which of a ladder, and what earlier runs had.

        What was tested here before there were ladders is of the grid.
        """
        if not self.writes:
            return
        earlier = self.rungs()
        if earlier is None:
            before = [row.condition for run in self.runs() for row in run.readable_rows()]
            earlier = Rungs(tuple(dict.fromkeys(before)))
        merged = rungs.after(earlier)
        if merged.ladders:
            replace_text(self.root / "ladders.json", rungs_to_json(merged))

    def write_gallery(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep the degraded examples."""
        if self.writes:
            write_arrays(self.gallery, **arrays)

    def write_mistakes(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep the most confident wrong answers with their pictures."""
        if self.writes:
            write_arrays(self.mistakes, **arrays)

    def remove_pictures(self) -> None:
        """Keep no test image any longer."""
        if self.writes:
            for path in (self.gallery, self.mistakes):
                path.unlink(missing_ok=True)

    def has_results(self) -> bool:
        """Tell whether any run here has a checkpoint or a finished condition, or has diverged."""
        return any(run.has_checkpoint() or run.has_rows() or run.is_marked() for run in self.runs())

    def runs(self) -> list[Run]:
        """List the runs that exist, by model, seed and fold."""
        found = []
        parent = self.root / RUNS
        for model in sorted(parent.iterdir()) if parent.exists() else []:
            for folder in sorted(model.iterdir()) if model.is_dir() else []:
                match = RUN_NAME.fullmatch(folder.name)
                if match:
                    found.append(Run(folder, model.name, int(match[1]), int(match[2]), self.writes))
        return found


def is_whole(checkpoint: epath.Path) -> bool:
    """Tell whether a folder is a checkpoint that was written to its end."""
    # Folders on a bucket cannot be renamed: there Orbax marks with a file those it has finished.
    finished = checkpoint / COMMITTED if "://" in str(checkpoint) else checkpoint
    return checkpoint.name.isdigit() and finished.exists()
