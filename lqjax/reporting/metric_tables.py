"""The tables of all metrics: condition by condition, and class by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.reporting.all_metrics import AllMetrics
from lqjax.reporting.class_metrics import ClassMetrics
from lqjax.reporting.comparison import DEGRADED_MEAN
from lqjax.reporting.damage import mean_damage
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import optional, plural
from lqjax.reporting.metric_kinds import CLASS_METRICS, METRICS, Metric
from lqjax.reporting.study import Study
from lqjax.reporting.tables import without_empty_columns

DIGEST = ("balanced_accuracy", "mcc", "kappa", "f1", "auc", "average_precision")
"""What the short table has: metrics that no other table outside a fold states."""

PSNR_DECIMALS = 1
SSIM_DECIMALS = 3
MOST_CLASSES = 40
"""Classes that a table lists; of more, those of the lowest F1."""


def digest_table(metrics: AllMetrics, caption: str) -> Table:
    """Tabulate clean images and the mean of the degraded x model: a few metrics of all groups."""
    chosen = [metric for metric in METRICS if metric.name in DIGEST]
    clean = [condition.full for condition in metrics.conditions if not condition.degraded]
    return _metric_table(metrics, chosen, [*clean, DEGRADED_MEAN], caption)


def group_table(metrics: AllMetrics, group: str, caption: str) -> Table:
    """Tabulate condition x model: the metrics of a group, the mean of the degraded last."""
    chosen = [metric for metric in METRICS if metric.group == group]
    names = [*(condition.full for condition in metrics.conditions), DEGRADED_MEAN]
    return _metric_table(metrics, chosen, names, caption)


def _metric_table(
    metrics: AllMetrics, chosen: Sequence[Metric], names: Sequence[str], caption: str
) -> Table:
    scopes = [(model, metrics.scopes(model)) for model in metrics.models]
    rows = []
    for name in dict.fromkeys(names):
        there = [(model, found[name]) for model, found in scopes if name in found]
        for number, (model, found) in enumerate(there):
            values = [(metric, found[metric.name]) for metric in chosen]
            cells = [metric.write(value.value, value.deviation) for metric, value in values]
            kind = "summary" if name == DEGRADED_MEAN else "" if number else "start"
            rows.append(TableRow((name, model.model, *cells), kind))
    header = ("condition", "model", *(metric.title for metric in chosen))
    return without_empty_columns(Table(caption, header, tuple(rows), labels=2))


def damage_table(study: Study) -> Table:
    """Tabulate what each condition does to the images, whatever the network."""
    rows = []
    for condition in study.conditions:
        psnr, ssim = (mean_damage(study, condition.name, what) for what in ("psnr", "ssim"))
        cells = (optional(psnr, PSNR_DECIMALS), optional(ssim, SSIM_DECIMALS))
        rows.append(TableRow((condition.full, *cells)))
    caption = (
        "Means over the test images against the clean image: SSIM (Gaussian window of 11 px) over"
        " all, PSNR over those that the condition changes."
    )
    return without_empty_columns(Table(caption, ("condition", "PSNR, dB", "SSIM"), tuple(rows)))


def class_tables(study: Study, metrics: AllMetrics) -> list[Table]:
    """Tabulate class x model on clean images and on the degraded ones together."""
    tables = []
    for condition in metrics.conditions:
        done = [model for model in metrics.models if metrics.has(model, condition)]
        found = {model.model: model.classes[condition.name] for model in done}
        if found and not condition.degraded:
            tables.append(_class_table(study, "Clean images", found))
    degraded = {m.model: m.classes_degraded for m in metrics.models if m.classes_degraded}
    if degraded:
        count = plural(len(metrics.shared), "condition")
        title = f"Degraded images, the answers to {count} counted together"
        tables.append(_class_table(study, title, degraded))
    return tables


def _class_table(study: Study, title: str, found: dict[str, ClassMetrics]) -> Table:
    names = study.class_names
    listed = range(len(names))
    caption = f"{title}."
    if len(names) > MOST_CLASSES:
        f1 = np.mean([scores.values["f1"] for scores in found.values()], axis=0)
        # NaN sorts last: what is not defined is not the worst.
        listed = np.argsort(f1, kind="stable")[:MOST_CLASSES].tolist()
        caption = (
            f"{title}: the {MOST_CLASSES} classes of the lowest F1 (mean over models);"
            " class_metrics.csv has all."
        )
    rows = []
    for place in listed:
        for number, (model, scores) in enumerate(found.items()):
            cells = [
                metric.write(
                    float(scores.values[metric.name][place]),
                    float(scores.deviations[metric.name][place]) if scores.deviations else None,
                )
                for metric in CLASS_METRICS
            ]
            images = f"{scores.images[place]:,}"
            kind = "" if number else "start"
            rows.append(TableRow((names[place], model, images, *cells), kind))
    header = ("class", "model", "images", *(metric.title for metric in CLASS_METRICS))
    return Table(caption, header, tuple(rows), labels=2)
