"""All metrics in folds under the table of accuracies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lqjax.metrics.binning import BINS
from lqjax.reporting.all_metrics import AllMetrics
from lqjax.reporting.document import Block, Fold, Text
from lqjax.reporting.formatting import NOT_DEFINED
from lqjax.reporting.metric_kinds import BY_CLASS, COUNTED, METRICS, SCORED
from lqjax.reporting.metric_tables import class_tables, damage_table, digest_table, group_table
from lqjax.reporting.protocol import spread
from lqjax.reporting.study import Study

METRICS_FILE, CLASSES_FILE, ROWS_FILE = "metrics.csv", "class_metrics.csv", "results.csv"
ABOUT_DIGEST = (
    f"Beyond accuracy; {METRICS_FILE} has all metrics of every condition. Balanced accuracy and F1"
    " are means over the classes; MCC and kappa are 1 where all answers are right and 0 for answers"
    " given blindly."
)
ZERO_DIVISION = (
    "Where a denominator is 0 (precision of a class that is never answered, recall of one without"
    " test images, F1 of one that is neither), the class counts as 0 in the means, as in"
    " scikit-learn with zero_division=0."
)
CAPTIONS = {
    COUNTED: (
        "Balanced accuracy: mean recall of the classes that have test images. MCC: Matthews"
        " correlation of true and predicted class; kappa: Cohen's; of both 1 is perfect, 0 what"
        " answering blindly gives. MCC is 0 where all answers are one class."
    ),
    BY_CLASS: (
        "Macro: mean over the classes that occur among true classes or answers, all of one weight;"
        " weighted: each by its number of test images, which makes weighted recall the accuracy."
        f" Specificity: recall of all other classes taken as one. {ZERO_DIVISION}"
    ),
    SCORED: (
        "AUC: area under the ROC curve; average precision: area under the steps of precision"
        " against recall; of two classes that of the second, of more the mean of each class against"
        " the rest, over those that have test images. NLL: mean negative log likelihood of the true"
        " class; Brier: squared error of the probabilities, 0 to 2; ECE: expected calibration error"
        f" over {BINS} bins of equal width, adaptive ECE over {BINS} bins of equally many answers."
        " Of AUC and average precision higher is better, of the others lower."
    ),
}


def metric_blocks(study: Study, metrics: AllMetrics) -> Iterator[Block]:
    """Give every metric by condition and model, by class, and what happens to the images."""
    digest = filter(None, (ABOUT_DIGEST, spread(study), _undefined(metrics, SCORED)))
    table = digest_table(metrics, " ".join(digest))
    if table.rows:
        yield table
    for group, caption in CAPTIONS.items():
        notes = filter(None, (caption, spread(study), _undefined(metrics, group)))
        table = group_table(metrics, group, " ".join(notes))
        yield Fold(f"All metrics: {group}", (table,), METRICS_FILE)
    tables = class_tables(study, metrics)
    if tables:
        notes = filter(None, (_about_classes(study), spread(study)))
        yield Fold("All metrics: class by class", (Text(" ".join(notes)), *tables), CLASSES_FILE)
    damage = damage_table(study)
    if len(damage.header) > damage.labels:
        yield Fold("Damage to the images", (damage,), ROWS_FILE)


def _undefined(metrics: AllMetrics, group: str) -> str:
    """Say which metrics of a group are not defined or not known, and why."""
    parts = []
    if metrics.undefined and any(metric.of_classes for metric in METRICS if metric.group == group):
        parts.append(
            f"{NOT_DEFINED.capitalize()}: {metrics.undefined}, and these metrics compare images of"
            " several."
        )
    answers_only = [
        model.model
        for model in metrics.models
        if any(found["loss"].value is None for found in model.conditions.values())
    ]
    if group == SCORED and answers_only:
        parts.append("A dash: only the predicted classes are known, not the scores.")
    return " ".join(parts)


def _about_classes(study: Study) -> str:
    parts = [
        "Each class against all others: recall is the share of its images that are recognised,"
        " precision the share of right answers among those that name it, F1 their harmonic mean,"
        " specificity the share of the other images that are not taken for it."
    ]
    empty = int((np.bincount(study.labels, minlength=len(study.class_names)) == 0).sum())
    if empty:
        parts.append(f"{empty:,} {'class has' if empty == 1 else 'classes have'} no test images.")
    parts.append(
        f"{NOT_DEFINED.capitalize()}: the denominator is 0, as that of precision is where a class"
        " is never answered."
    )
    return " ".join(parts)
