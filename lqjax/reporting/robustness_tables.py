"""The tables of the robustness section."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lqjax.metrics.chance_corrected import ALPHA
from lqjax.metrics.interval import Estimate
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import (
    GAP_HEAD,
    MISSING,
    NOT_DEFINED,
    about_gap,
    gap,
    percent,
    plural,
    with_interval,
)
from lqjax.reporting.robustness import ModelRobustness, Robustness
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration


def measured(estimate: Estimate | None) -> str:
    """Write a share in percent, with its interval where it has one; a dash where there is none."""
    if estimate is None:
        return MISSING
    if math.isnan(estimate.value):
        return NOT_DEFINED
    return with_interval(estimate) if estimate.is_bounded() else percent(estimate.value)


def measure_table(study: Study, robustness: Robustness) -> Table:
    """Tabulate what degradation costs each model, one column each."""
    models = robustness.models
    lines = [
        ("accuracy on clean images, %", [measured(m.clean) for m in models]),
        ("mean accuracy on degraded images, %", [measured(m.degraded) for m in models]),
        ("drop, points", [measured(m.drop) for m in models]),
        ("relative drop, % of clean accuracy", [measured(m.relative_drop) for m in models]),
        ("robustness corrected for chance, %", [measured(m.chance_corrected) for m in models]),
        ("area under accuracy against severity, %", [measured(m.area) for m in models]),
        ("balanced error on clean images, %", [percent(m.balanced_clean) for m in models]),
        ("mean balanced error on degraded, %", [percent(m.balanced_degraded) for m in models]),
    ]
    rows = [TableRow((name, *cells)) for name, cells in lines if set(cells) != {MISSING}]
    count = sum(map(len, robustness.families.values()))
    area = (
        " Area: trapezoid over the levels with clean images as level 0, as a mean accuracy; mean"
        " over degradations."
        if models[0].area
        else ""
    )
    caption = (
        f"What degradation costs, over {plural(count, 'condition')}"
        f"{' that all models finished' if len(models) > 1 else ''}."
        " Corrected for chance: degraded / clean accuracy times 1 − exp(−"
        f"{ALPHA:g} e²), e = clean accuracy − accuracy of always answering the commonest class"
        f" ({percent(study.commonest_share)} %).{area} Balanced error: 1 − mean over the classes"
        f" that have test images of the share classified correctly.{_not_defined(models)}"
    )
    header = ("measure", *(m.model for m in models))
    return Table(caption, header, tuple(rows), sortable=False)


def _not_defined(models: Sequence[ModelRobustness]) -> str:
    """Say why numbers of the table are not defined, with the models that it is true of."""
    reasons: dict[str, list[str]] = {}
    for model in models:
        for reason in dict.fromkeys(model.undefined.values()):
            reasons.setdefault(reason, []).append(model.model)
    return "".join(
        f" {NOT_DEFINED.capitalize()}"
        f"{'' if len(found) == len(models) else f' for {enumeration(found)}'}: {reason}."
        for reason, found in reasons.items()
    )


def level_table(robustness: Robustness, comparison: Comparison) -> Table | None:
    """Tabulate mean accuracy and gap by severity level; `None` where there are no levels."""
    if len(robustness.levels) < 2:
        return None
    models = [model.model for model in robustness.models]
    header = ["severity", "conditions", *(f"{model} %" for model in models)]
    if comparison.other:
        header.append(GAP_HEAD)
    rows = []
    for found in robustness.levels:
        cells = [found.level, f"{found.conditions}"]
        cells += [measured(found.accuracy[model]) for model in models]
        if comparison.other:
            cells.append(gap(found.gap))
        rows.append(TableRow(tuple(cells)))
    notes = (
        "Mean accuracy by severity, over the conditions of one level, with 95 % intervals.",
        about_gap(comparison.leader, comparison.other),
    )
    return Table(" ".join(filter(None, notes)), tuple(header), tuple(rows))


def family_table(robustness: Robustness) -> Table:
    """Tabulate degradation x model: the drop, and the area under the curve."""
    models, areas = robustness.models, any(model.areas for model in robustness.models)
    header = ("degradation", "model", "drop, points", *(["area, %"] if areas else []))
    rows = []
    for family, conditions in robustness.families.items():
        for number, model in enumerate(models):
            cells = [conditions[0].title, model.model, measured(model.drops[family])]
            cells += [measured(model.areas.get(family))] if areas else []
            rows.append(TableRow(tuple(cells), "" if number else "start"))
    area = " Area: mean accuracy under the curve, clean images as level 0." if areas else ""
    caption = f"Drop from clean accuracy, mean over severities.{area}"
    return Table(caption, header, tuple(rows), labels=2)
