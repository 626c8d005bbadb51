"""The test images of a study: one set for all runs, or one for each fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.answer_files import read_examples
from lqjax.workdir import Run


@dataclass(frozen=True)
class Tested:
    """All test images, whichever run they were shown to.

    Attributes:
      labels: true class of each image, fold after fold.
      class_names: one per class.
      rows: per fold the positions of its images; one fold where there is no cross-validation.
      groups: per image what belongs together, such as a patient; `None` where nothing is known.
    """

    labels: np.ndarray
    class_names: tuple[str, ...]
    rows: Mapping[int, np.ndarray]
    groups: np.ndarray | None = None


def read_tested(runs: Sequence[Run]) -> Tested:
    """Read what the runs were tested on.

    Raises:
      ValueError: a file is missing, two runs of one fold were tested on different images, or two
        folds on the same.
    """
    found: dict[int, tuple[Run, dict[str, np.ndarray]]] = {}
    for run in sorted(runs, key=lambda run: run.fold):
        examples = read_examples(run)
        first, shared = found.setdefault(run.fold, (run, examples))
        if not all(np.array_equal(shared[key], examples[key]) for key in ("ids", "labels")):
            raise ValueError(
                f"{first.root} and {run.root} were tested on different images; a report compares"
                " runs on the same test split"
            )
        if "groups" in examples:  # predictions of other code may say what ours do not
            shared["groups"] = examples["groups"]
    parts = [examples for _, examples in found.values()]
    ids = np.concatenate([part["ids"] for part in parts])
    if len(np.unique(ids)) < len(ids):
        folders = ", ".join(str(run.root) for run, _ in found.values())
        raise ValueError(
            f"{folders}: an image is tested in two folds; these are not the folds of one"
            " cross-validation: report their working directories one at a time"
        )
    ends = np.cumsum([0, *(len(part["ids"]) for part in parts)])
    rows = {fold: np.arange(ends[i], ends[i + 1]) for i, fold in enumerate(found)}
    grouped = all("groups" in part for part in parts)
    return Tested(
        np.concatenate([part["labels"] for part in parts]),
        tuple(str(name) for name in parts[0]["classes"]),
        rows,
        np.concatenate([part["groups"] for part in parts]) if grouped else None,
    )
