"""What a network was asked and what it answered, read and compared with its rows; no jax."""

from __future__ import annotations

import numpy as np

from lqjax.damaged import DamagedError, damaged
from lqjax.rows import Row
from lqjax.workdir import Run

ROUNDING = 1e-9
"""By how much an accuracy may differ that was written and read."""

LOGITS, PREDICTED = "logits", "predicted"
IDS, LABELS, CLASSES, GROUPS = "ids", "labels", "classes", "groups"


def read_examples(run: Run) -> dict[str, np.ndarray]:
    """Read `ids`, `labels` (int32) and `classes` of the test split, and `groups` if it has.

    Raises:
      DamagedError: the file is missing or cannot be read, or its arrays do not belong together.
    """
    path, repair = run.examples_path, run.repair()
    try:
        arrays = run.examples()
    except FileNotFoundError:
        raise DamagedError(f"{path} is missing", repair) from None
    lacking = [name for name in (IDS, LABELS, CLASSES) if name not in arrays]
    if lacking:
        raise damaged(path, f"it holds no {lacking[0]}", repair)
    ids, labels, classes = arrays[IDS], arrays[LABELS], arrays[CLASSES]
    wrong = _misfit(LABELS, labels, np.integer, (ids.size,))
    for name in (IDS, GROUPS):
        if not wrong and name in arrays:
            wrong = _misfit(name, arrays[name], np.str_, labels.shape)
    wrong = (
        wrong or _misfit(CLASSES, classes, np.str_, (classes.size,)) or _outside(labels, classes)
    )
    if wrong:
        raise damaged(path, wrong, repair)
    return arrays


def _outside(labels: np.ndarray, classes: np.ndarray) -> str:
    if not labels.size:
        return "no test images"
    inside = labels.min() >= 0 and labels.max() < classes.size
    return "" if inside else f"labels outside 0 to {classes.size - 1}"


def read_predicted(run: Run, row: Row, labels: np.ndarray, classes: int) -> np.ndarray:
    """Read the predicted class of every test image: int32, (examples,).

    Args:
      row: of a finished condition of the run.
      labels: true class of each test image.
      classes: how many there are.

    Raises:
      DamagedError: the file of the scores is missing or cannot be read, or what is in it is not
        what the row was computed from.
    """
    path, repair = run.answers_path(row.condition), run.condition_repair
    try:
        arrays = run.answers(row.condition)
    except FileNotFoundError:
        raise DamagedError(f"{path} (the scores of {row.condition}) is missing", repair) from None
    predicted, wrong = _predicted(arrays, len(labels), classes)
    if not wrong and row.loss is not None and LOGITS not in arrays:
        wrong = f"it holds no {LOGITS}, and its row has a loss"
    if wrong:
        raise damaged(path, wrong, repair)
    if row.n != len(labels):
        raise damaged(path, f"its row counts {row.n} of {len(labels)} test images", repair)
    correct = int((predicted == labels).sum())
    if row.correct != correct or abs(row.accuracy - correct / row.n) > ROUNDING:
        said = f"{row.correct} and accuracy {row.accuracy:g} in its row"
        raise damaged(path, f"{correct} right answers, {said}", repair)
    return predicted


def _predicted(
    arrays: dict[str, np.ndarray], examples: int, classes: int
) -> tuple[np.ndarray, str]:
    """Return the predicted classes, and what is wrong with the arrays."""
    if LOGITS in arrays:
        logits = arrays[LOGITS]
        wrong = _misfit(LOGITS, logits, np.floating, (examples, classes))
        if not wrong and not np.isfinite(logits).all():
            wrong = "scores that are not finite"
        # Of equal scores the lowest class, as in lqjax.metrics.accuracy.
        return (np.zeros(0, np.int32) if wrong else np.argmax(logits, 1).astype(np.int32)), wrong
    if PREDICTED in arrays:
        predicted = arrays[PREDICTED]
        wrong = _misfit(PREDICTED, predicted, np.integer, (examples,))
        if not wrong and predicted.size and not 0 <= predicted.min() <= predicted.max() < classes:
            wrong = f"predicted classes outside 0 to {classes - 1}"
        return predicted.astype(np.int32) if not wrong else np.zeros(0, np.int32), wrong
    return np.zeros(0, np.int32), f"it holds no {LOGITS}"


def _misfit(name: str, found: np.ndarray, kind: type, shape: tuple[int, ...]) -> str:
    if not np.issubdtype(found.dtype, kind):
        return f"{name} of type {found.dtype}"
    if found.shape != shape:
        return f"{name} of shape {found.shape}, expected {shape}"
    return ""
