"""The robustness section: what degradation costs, where the models part, and against AlexNet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.reporting.comparison import Comparison
from lqjax.reporting.conditions import CLEAN
from lqjax.reporting.document import Block, Figure, Fold, Table, Text
from lqjax.reporting.figures import Drawn
from lqjax.reporting.heat_map import HEAT_MAP
from lqjax.reporting.robustness import Robustness
from lqjax.reporting.robustness_tables import family_table, level_table, measure_table
from lqjax.reporting.robustness_words import drops_in_words
from lqjax.reporting.study import Study
from lqjax.reporting.suite_error_tables import corruption_tables, suite_error_table
from lqjax.textlists import enumeration


def robustness_section(
    study: Study,
    comparison: Comparison,
    robustness: Robustness | None,
    drawn: Mapping[str, Drawn],
) -> Iterator[Block]:
    """Say what degradation costs each model; nothing where no image was degraded."""
    if not any(condition.degraded for condition in study.conditions):
        return
    if robustness is not None:
        yield Text(_drops(comparison, robustness))
    if HEAT_MAP in drawn:
        yield Figure(HEAT_MAP, drawn[HEAT_MAP].caption, drawn[HEAT_MAP].alternative)
    if robustness is None:
        yield Text(_what_is_missing(comparison))
        return
    levels = level_table(robustness, comparison)
    if levels is not None:
        yield levels
    yield measure_table(study, robustness)
    yield Text(_about_intervals(study))
    for suite in robustness.suites:
        yield suite_error_table(suite)
    if robustness.without:
        yield Text(robustness.without)
    tables: list[Table] = [t for suite in robustness.suites for t in corruption_tables(suite)]
    yield Fold("By degradation", (family_table(robustness), *tables), "robustness.csv")


def _what_is_missing(comparison: Comparison) -> str:
    """Say why nothing can be compared with clean images, and of which model it is for."""
    models = comparison.cells[0].accuracy
    degraded = [cell for cell in comparison.cells if cell.condition.degraded]
    unclean = [m for m in models if comparison.clean is None or not comparison.clean.accuracy[m]]
    bare = [m for m in models if not any(cell.accuracy[m] for cell in degraded)]
    lacking = [
        f"{enumeration(some)} {'has' if len(some) == 1 else 'have'} no answers {where}"
        for some, where in ((unclean, "on clean images"), (bare, "on degraded ones"))
        if some
    ]
    return (
        "Drops and corruption errors compare with clean images, under degraded conditions that all"
        f" models finished: {'; '.join(lacking) or 'here they have none in common'}. Test under"
        f" {CLEAN} and the same degraded conditions, or leave such a model out."
    )


def _drops(comparison: Comparison, robustness: Robustness) -> str:
    drops = {model.model: model.drop for model in robustness.models}
    return drops_in_words(drops, (comparison.leader, comparison.other), robustness.drop_gap)


def _about_intervals(study: Study) -> str:
    """Say how the intervals of this section were made."""
    if study.folds > 1:
        return (
            f"Intervals are Student's t over {study.folds} folds with Nadeau and Bengio's"
            " correction; ratios go through the jackknife's pseudo-values of the folds."
        )
    what = "whole groups of images" if study.groups is not None else "images"
    return (
        f"Intervals are bootstrap intervals (BCa) that draw {what}, the same for all models and"
        " conditions. A ratio whose denominator comes near zero in a resample has none."
    )
