"""The commonest mistakes by name, where there are too many classes to label a matrix."""

from __future__ import annotations

import numpy as np

from lqjax.reporting.conditions import Condition
from lqjax.reporting.confusion_figure import MOST_LABELLED, hardest_and_clean
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import percent
from lqjax.reporting.study import Study

MOST_MISTAKES = 8


def confusion_tables(study: Study) -> list[Table]:
    """Tabulate the commonest mistakes per model and shown condition; none for few classes."""
    if len(study.class_names) <= MOST_LABELLED:
        return []
    return [
        _table(study, model, condition, f"{model}: commonest mistakes, {condition.short}")
        for model in study.models
        for condition in hardest_and_clean(study, model)
    ]


def _table(study: Study, model: str, condition: Condition, caption: str) -> Table:
    names = study.class_names
    counts = study.confusion(model, condition)
    support = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:MOST_MISTAKES]
    rows = []
    for true, predicted in zip(*np.unravel_index(order, counts.shape), strict=True):
        count = counts[true, predicted]
        if count:
            share = percent(count / support[true])
            rows.append(TableRow((names[true], names[predicted], f"{count:,}", share)))
    header = ("true class", "predicted", "times", "share of the true class, %")
    return Table(caption, header, tuple(rows), labels=2)
