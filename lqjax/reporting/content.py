"""What a report says, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lqjax.metrics.interval import CONFIDENCE, Estimate
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.confusion_table import confusion_tables
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
from lqjax.reporting.figures import Drawn
from lqjax.reporting.formatting import enumeration, gap, interval, percent, plural
from lqjax.reporting.protocol import coverage
from lqjax.reporting.provenance import provenance
from lqjax.reporting.study import Study
from lqjax.reporting.tables import cost_table, metric_table, study_table, training_table
from lqjax.reporting.training_state import RISE, WINDOW
from lqjax.reporting.verdict import Verdict

MANY_COMPARISONS = 2
MOST_TILES = 3
"""With more models only the best and the runner-up get a tile."""


def compose(
    study: Study, comparison: Comparison, verdict: Verdict, drawn: Mapping[str, Drawn]
) -> Document:
    """Put verdict, tables and figures in their order; a part without data is left out."""
    sections = [
        Section("Accuracy by condition", tuple(_accuracy(study, comparison, drawn))),
        Section("What the networks saw", tuple(_figure(drawn, "gallery"))),
        Section("What is mistaken for what", tuple(_mistakes(study, drawn))),
        Section("Training", tuple(_training(study, drawn))),
        Section("Cost", tuple(_cost(study, drawn))),
        Section("How it was made", tuple(provenance(study))),
    ]
    classes = len(study.class_names)
    return Document(
        title=f"{enumeration(study.models)} on {study.dataset}",
        subtitle=f"{plural(study.n, 'test image')} of {classes:,} classes at"
        f" {study.image_size} px, {plural(len(study.conditions), 'condition')}",
        headline=verdict.headline,
        verdict=verdict.sentence,
        note=coverage(study),
        tiles=Tiles(tuple(_tiles(study, comparison))),
        sections=[section for section in sections if section.blocks],
    )


def _tiles(study: Study, comparison: Comparison) -> Iterator[Tile]:
    rivals = (comparison.leader, comparison.other)
    for model in study.models if len(study.models) <= MOST_TILES else rivals:
        mean = comparison.mean.get(model)
        clean = comparison.clean.accuracy[model] if comparison.clean else None
        aside = f"clean images {percent(clean.value)} % {interval(clean)}" if clean else ""
        if mean is not None:
            detail = "; ".join(filter(None, [interval(mean), aside]))
            yield Tile(f"{model}, degraded images", f"{percent(mean.value)} %", detail)
        elif clean is not None:
            yield Tile(f"{model}, clean images", f"{percent(clean.value)} %", interval(clean))
    decisive = comparison.mean_gap
    if decisive is None and comparison.clean is not None:
        decisive = comparison.clean.gap
    if decisive is None:
        return
    text, ends = gap(decisive).split(" ", 1)
    yield Tile("Gap in points", text, f"{ends}, {comparison.leader} minus {comparison.other}")
    yield _chance_tile(comparison, decisive)


def _chance_tile(comparison: Comparison, decisive: Estimate) -> Tile:
    excluded = decisive.excludes_zero()
    detail = f"the interval of the gap {'excludes' if excluded else 'includes'} zero"
    tests = comparison.tests
    if tests is not None and tests.count > 1:
        detail += (
            f"; of {tests.count} conditions {tests.ahead} show {comparison.leader} ahead,"
            f" {tests.behind} {comparison.other}, {tests.undecided} neither (Holm, {LEVEL})"
        )
    return Tile("Could it be chance?", "Unlikely" if excluded else "Yes", detail)


def _accuracy(study: Study, comparison: Comparison, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield study_table(study, comparison)
    yield from _figure(drawn, "accuracy")
    yield Text(_method(study, comparison))
    folds = tuple(metric_table(study, network) for network in study.all_networks)
    about = Text(
        "Precision, recall and F1 are unweighted means over classes, 0 where a denominator is 0;"
        " AUC is the area under the ROC curve, one class against the rest where there are more"
        " than two. PSNR and SSIM (Gaussian window of 11 px) are means over images against the"
        " clean image, PSNR over those that the condition changes."
    )
    yield Fold("All metrics", (about, *folds))


def _method(study: Study, comparison: Comparison) -> str:
    """Say how the intervals were made and what they do not say."""
    if study.folds > 1:
        return _cross_validated(study, comparison)
    single = all(len(runs) == 1 for runs in study.networks.values())
    parts = [
        "Accuracies have Wilson intervals"
        if single
        else "Accuracies are means over runs with bootstrap intervals (BCa, over images)"
    ]
    if comparison.other:
        parts[0] += (
            ", gaps Tango's score interval for paired shares: both models answer the same images"
            if single
            else ", and so have gaps: both models answer the same images"
        )
    parts[0] += "."
    if comparison.shared:
        parts.append(
            "Means over conditions have bootstrap intervals (BCa) that draw whole images, with all"
            " their conditions together, because the same images recur in every condition."
        )
    gaps = sum(cell.gap is not None for cell in comparison.cells)
    if gaps >= MANY_COMPARISONS:
        missed = 1 - CONFIDENCE
        parts.append(
            f"Each interval stands for itself: of {gaps} gaps between equal models, about"
            f" {gaps * missed:.1f} would exclude zero by chance. The p-values are corrected for"
            " that (Holm), so that any false finding at all has a chance of at most"
            f" {100 * LEVEL:.0f} %."
        )
    if len(study.models) > MANY_COMPARISONS:
        parts.append(
            "Best and runner-up were picked on these same images, which favours the best a little."
        )
    return " ".join(parts)


def _cross_validated(study: Study, comparison: Comparison) -> str:
    gaps = ", gaps the differences of two models in the same folds" if comparison.other else ""
    folds = study.folds
    return (
        f"Each of the {study.n:,} images was tested once, by networks that had not seen it."
        f" Accuracies are means over {folds} folds{gaps}; the intervals are Student's t with"
        f" {folds - 1} degrees of freedom and Nadeau and Bengio's variance s² (1/{folds} +"
        f" 1/{folds - 1}), because folds share training images."
    )


def _figure(drawn: Mapping[str, Drawn], name: str) -> Iterator[Figure]:
    if name in drawn:
        yield Figure(name, drawn[name].caption, drawn[name].alternative)


def _mistakes(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield from _figure(drawn, "confusion")
    tables = confusion_tables(study)
    if tables:
        yield Fold("Commonest mistakes by name", tuple(tables))


def _training(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    yield from _figure(drawn, "learning")
    table = training_table(study)
    if table is None:
        return
    yield table
    yield Text(
        f"Levelled off: over the last {100 * WINDOW:.0f} % of the epochs mean training accuracy"
        f" rose by at most {100 * RISE:.0f} points over the epochs before, or at most that much is"
        " left to 100 %."
    )


def _cost(study: Study, drawn: Mapping[str, Drawn]) -> Iterator[Block]:
    table = cost_table(study)
    if table is not None:
        yield table
    yield from _figure(drawn, "cost")
