"""Predictions as a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lqjax.classifying import Predictions
from lqjax.rows import replace_bytes

COLUMNS = ("file", "class", "probability", "error")
"""Before one column for each class, with its probability."""

DIGITS = 6
"""After the point."""


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write a line a file, sorted by name; those that could not be read have a reason instead.

    The columns are file, class, probability (of that class), error, and one for each class with
    its probability.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *(f"p({name})" for name in predictions.class_names)])
    lines: list[list[str]] = [
        [name, found, f"{row.max():.{DIGITS}f}", "", *(f"{value:.{DIGITS}f}" for value in row)]
        for name, found, row in zip(
            predictions.names, predictions.classes, predictions.probabilities, strict=True
        )
    ]
    lines += [
        [name, "", "", reason, *("" for _ in predictions.class_names)]
        for name, reason in predictions.skipped
    ]
    writer.writerows(sorted(lines))
    # Names of files need not be UTF-8.
    replace_bytes(path, stream.getvalue().encode("utf-8", "surrogateescape"))
