"""Which metrics a report states, in which groups, and how each is written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lqjax.metrics.summary import TOP
from lqjax.reporting.formatting import MISSING, NOT_DEFINED, percent

ADAPTIVE_ECE = "adaptive_ece"
"""The one metric that rows do not have: it is computed from the scores."""

COUNTED = "right answers and agreement"
BY_CLASS = "precision, recall, F1 and specificity"
SCORED = "ranking and calibration"
GROUPS = (COUNTED, BY_CLASS, SCORED)


@dataclass(frozen=True)
class Metric:
    """A number that answers or scores under one condition give.

    Attributes:
      name: that of the field of `Row`.
      title: what heads its column.
      group: one of `GROUPS`.
      decimals: with which it is written; `None` for a share, which is written in percent.
      of_classes: says nothing where all test images are of one class.
    """

    name: str
    title: str
    group: str
    decimals: int | None = None
    of_classes: bool = False

    def write(self, value: float | None, deviation: float | None = None) -> str:
        """Write a value: 83.1 ± 0.4; a dash where it is not known."""
        if value is None:
            return MISSING
        if math.isnan(value):
            return NOT_DEFINED
        found = [value] if deviation is None else [value, deviation]
        if self.decimals is None:
            return " ± ".join(percent(number) for number in found)
        return " ± ".join(f"{number:.{self.decimals}f}" for number in found)


METRICS = (
    Metric("accuracy", "accuracy %", COUNTED),
    Metric("top5", f"top-{TOP} %", COUNTED),
    Metric("balanced_accuracy", "balanced accuracy %", COUNTED),
    Metric("mcc", "MCC", COUNTED, 3, of_classes=True),
    Metric("kappa", "kappa", COUNTED, 3, of_classes=True),
    Metric("precision", "precision %, macro", BY_CLASS),
    Metric("recall", "recall %, macro", BY_CLASS),
    Metric("f1", "F1 %, macro", BY_CLASS),
    Metric("specificity", "specificity %, macro", BY_CLASS, of_classes=True),
    Metric("precision_weighted", "precision %, weighted", BY_CLASS),
    Metric("recall_weighted", "recall %, weighted", BY_CLASS),
    Metric("f1_weighted", "F1 %, weighted", BY_CLASS),
    Metric("auc", "AUC", SCORED, 4, of_classes=True),
    Metric("average_precision", "average precision", SCORED, 4, of_classes=True),
    Metric("loss", "NLL, nats", SCORED, 3),
    Metric("brier", "Brier", SCORED, 4),
    Metric("ece", "ECE %", SCORED),
    Metric(ADAPTIVE_ECE, "adaptive ECE %", SCORED),
)

CLASS_METRICS = (
    Metric("precision", "precision %", BY_CLASS),
    Metric("recall", "recall %", BY_CLASS),
    Metric("f1", "F1 %", BY_CLASS),
    Metric("specificity", "specificity %", BY_CLASS),
)
"""What is stated of each class by itself; the fields of `ClassScores`."""
