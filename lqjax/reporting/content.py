"""What a report says, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.metrics.interval import Estimate
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.all_metrics import AllMetrics
from lqjax.reporting.calibration_section import calibration_section
from lqjax.reporting.cautions import cautions
from lqjax.reporting.commonest_class import no_better_than_one_answer
from lqjax.reporting.comparison import TESTS_SECTION, Comparison
from lqjax.reporting.confusion_table import confusion_tables
from lqjax.reporting.cost_section import cost_blocks
from lqjax.reporting.document import (
    Block,
    Document,
    Figure,
    Fold,
    Section,
    Text,
    Tile,
    Tiles,
)
from lqjax.reporting.envelope_section import envelope_section
from lqjax.reporting.figures import Drawn
from lqjax.reporting.findings import Findings
from lqjax.reporting.formatting import gap, interval, percent, plural
from lqjax.reporting.learning_rates import best_rates
from lqjax.reporting.method import method
from lqjax.reporting.metric_section import metric_blocks
from lqjax.reporting.mistakes_figure import mistakes_table
from lqjax.reporting.mistakes_words import about_mistakes
from lqjax.reporting.outcomes_in_words import outcome
from lqjax.reporting.pairwise_section import pairwise_section
from lqjax.reporting.protocol import coverage
from lqjax.reporting.provenance import provenance
from lqjax.reporting.readings_section import READINGS_SECTION, readings_section
from lqjax.reporting.robustness_section import robustness_section
from lqjax.reporting.study import Study
from lqjax.reporting.tables import study_table, training_table
from lqjax.reporting.training_state import RISE, WINDOW
from lqjax.reporting.verdict import Verdict, still_rising
from lqjax.reporting.withheld import why_withheld
from lqjax.textlists import enumeration

MOST_TILES = 3
"""With more models only the best and the runner-up get a tile."""


def compose(
    study: Study,
    comparison: Comparison,
    verdict: Verdict,
    findings: Findings,
    drawn: Mapping[str, Drawn],
) -> Document:
    """Put verdict, tables and figures in their order; a part without data is left out."""
    sections = [
        Section(
            "Accuracy by condition", tuple(_accuracy(study, comparison, findings.metrics, drawn))
        ),
        Section(TESTS_SECTION, tuple(pairwise_section(study, findings.pairs))),
        Section(
            "Robustness",
            tuple(robustness_section(study, comparison, findings.robustness, drawn)),
        ),
        Section("Operating envelope", tuple(envelope_section(study, findings.envelopes, drawn))),
        Section(READINGS_SECTION, tuple(readings_section(study, findings.readings))),
        Section("Calibration", tuple(calibration_section(findings.calibration, drawn))),
        Section("What the networks saw", tuple(_seen(study, drawn))),
        Section("What is mistaken for what", tuple(_mistakes(study, drawn))),
        Section("Most confident mistakes", tuple(_confident(study, drawn))),
        Section("Training", tuple(_training(study, drawn))),
        Section("Cost", tuple(cost_blocks(study, drawn))),
        Section("How it was made", tuple(provenance(study))),
    ]
    classes = len(study.class_names)
    return Document(
        title=f"{enumeration(study.models)} on {study.dataset}",
        subtitle=f"{plural(study.n, 'test image')} of {classes:,} classes at"
        f" {study.image_size} px, {plural(len(study.conditions), 'condition')}",
        headline=verdict.headline,
        verdict=verdict.sentence,
        note=coverage(study, comparison),
        tiles=Tiles(tuple(_tiles(study, comparison, verdict))),
        sections=[section for section in sections if section.blocks],
    )


def _tiles(study: Study, comparison: Comparison, verdict: Verdict) -> Iterator[Tile]:
    rivals, rising = (comparison.leader, comparison.other), still_rising(study)
    for model in study.models if len(study.models) <= MOST_TILES else rivals:
        mean = comparison.mean.get(model)
        clean = comparison.clean.accuracy[model] if comparison.clean else None
        aside = f"clean images {percent(clean.value)} % {interval(clean)}" if clean else ""
        mark = "undertrained" if model in rising else ""
        if mean is not None:
            detail = "; ".join(filter(None, [interval(mean), aside, mark]))
            yield Tile(f"{model}, degraded images", f"{percent(mean.value)} %", detail)
        elif clean is not None:
            detail = "; ".join(filter(None, [interval(clean), mark]))
            yield Tile(f"{model}, clean images", f"{percent(clean.value)} %", detail)
    decisive = comparison.mean_gap
    if decisive is None and comparison.clean is not None:
        decisive = comparison.clean.gap
    if decisive is None:
        return
    text, ends = gap(decisive).split(" ", 1)
    yield Tile("Gap in points", text, f"{ends}, {comparison.leader} minus {comparison.other}")
    yield _chance_tile(comparison, decisive, verdict)


def _chance_tile(comparison: Comparison, decisive: Estimate, verdict: Verdict) -> Tile:
    excluded = decisive.excludes_zero()
    detail = f"the interval of the gap {'excludes' if excluded else 'includes'} zero"
    if excluded and not verdict.winner:
        return Tile(
            "Could it be chance?",
            "Not decided",
            f"not by the choice of test images: {detail}; the verdict says what else it may be",
        )
    tests = comparison.tests
    if tests is not None and tests.count > 1:
        said = outcome(comparison.leader, comparison.other, tests)
        detail += f"; {said} (Holm, {LEVEL})"
    return Tile("Could it be chance?", "Unlikely" if excluded else "Yes", detail)


def _accuracy(
    study: Study, comparison: Comparison, metrics: AllMetrics, drawn: Mapping[str, Drawn]
) -> Iterator[Block]:
    for caution in cautions(study):
        yield Text(caution)
    yield study_table(study, comparison)
    yield from _figure(drawn, "accuracy")
    blind = no_better_than_one_answer(study, comparison)
    if blind:
        yield Text(blind)
    yield Text(method(study, comparison))
    yield from metric_blocks(study, metrics)


def _figure(drawn: Mapping[str, Drawn], name: str) -> Iterator[Figure]:
    if name in drawn:
        yield Figure(name, drawn[name].caption, drawn[name].alternative)


def _seen(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield from _figure(drawn, "gallery")
    if study.withheld_by:
        yield Text(why_withheld(study))


def _mistakes(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield from _figure(drawn, "confusion")
    yield from _figure(drawn, "confusion-gap")
    tables = confusion_tables(study)
    if tables:
        yield Fold("Commonest mistakes by name", tuple(tables))


def _confident(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    if not study.mistakes:
        return
    yield Text(about_mistakes(study.mistakes, study.folds > 1, list(study.sources)))
    yield from _figure(drawn, "mistakes")
    yield Fold("Where to find these images", (mistakes_table(study.mistakes),))


def _training(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield from _figure(drawn, "learning")
    table = training_table(study)
    if table is None:
        return
    yield table
    chosen = best_rates(study)
    if chosen:
        yield Text(chosen)
    yield Text(
        f"Levelled off: over the last {100 * WINDOW:.0f} % of the epochs mean training accuracy"
        f" rose by at most {100 * RISE:.0f} points over the epochs before, or at most that much is"
        " left to 100 %."
    )
