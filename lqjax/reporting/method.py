"""How the intervals and tests of a report were made, in words."""

from __future__ import annotations

import numpy as np

from lqjax.metrics.interval import CONFIDENCE
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.comparison import Comparison
from lqjax.reporting.fold_correction import RATIO_DIGITS, sharing_of_folds
from lqjax.reporting.formatting import plural, significant
from lqjax.reporting.study import Study
from lqjax.reporting.training_runs import SeedsOfTwo, seeds_of_two

MANY_COMPARISONS = 2
ONE_ALONE = "That of clean images stands by itself"


def method(study: Study, comparison: Comparison) -> str:
    """Say how the intervals were made and what they do not say."""
    if study.folds > 1:
        return _cross_validated(study, comparison)
    parts = [_accuracies(study, comparison)]
    drawn = "images" if study.groups is None else "groups"
    if comparison.shared:
        parts.append(
            f"Means over conditions have bootstrap intervals (BCa) that draw whole {drawn}, with"
            " all their conditions together, because the same images recur in every condition."
        )
    if comparison.retrained is not None:
        parts.append(_over_runs(seeds_of_two(study, (comparison.leader, comparison.other))))
    gaps = sum(cell.gap is not None for cell in comparison.cells)
    if gaps >= MANY_COMPARISONS:
        missed, several = 1 - CONFIDENCE, len(comparison.pairs) > 1
        everywhere = "degraded conditions of all pairs" if several else "degraded conditions"
        alone = "Those of clean images are corrected over the pairs" if several else ONE_ALONE
        parts.append(
            f"Each interval stands for itself: of {gaps} gaps between equal models, about"
            f" {gaps * missed:.1f} would exclude zero by chance. The p-values are corrected for"
            f" that over the {everywhere} (Holm): any false finding at all among them has a chance"
            f" of at most {100 * LEVEL:.0f} %. {alone}."
        )
    if len(study.models) > MANY_COMPARISONS:
        parts.append(
            "Best and runner-up were picked on these same images, which favours the best a little"
            " in gaps and intervals."
        )
    return " ".join(parts)


def _over_runs(seeds: SeedsOfTwo) -> str:
    """Say how the interval over training runs was made."""
    if seeds.are_paired:
        return (
            "The interval over training runs is Student's t of the runs' gaps, runs of one seed"
            f" paired: {len(seeds.shared)} pairs."
        )
    return (
        "The interval over training runs is Welch's t of the accuracies of"
        f" {len(seeds.first)} and {len(seeds.second)} runs, which are not paired: the networks"
        f" share {plural(len(seeds.shared), 'seed')}."
    )


def _accuracies(study: Study, comparison: Comparison) -> str:
    paired = bool(comparison.other)
    single = all(len(runs) == 1 for runs in study.networks.values())
    subject = f"Accuracies{' and gaps' if paired else ''}{'' if single else ', means over runs,'}"
    if study.groups is not None:
        return (
            f"{subject} have bootstrap intervals (BCa) that draw whole groups of images,"
            f" {len(np.unique(study.groups)):,} in all: images of one group, such as a patient,"
            " are alike, and intervals over single images would be too narrow."
        )
    why = ": both models answer the same images" if paired else ""
    if single:
        gaps = f", gaps Tango's score interval for paired shares{why}" if paired else ""
        return f"Accuracies have Wilson intervals{gaps}."
    return f"{subject} have bootstrap intervals (BCa, over images){why}."


def _cross_validated(study: Study, comparison: Comparison) -> str:
    gaps = ", gaps the differences of two models in the same folds" if comparison.other else ""
    folds, sharing = study.folds, significant(sharing_of_folds(study), RATIO_DIGITS)
    return (
        f"Each of the {study.n:,} images was tested once, by networks that had not seen it."
        f" Accuracies are means over {folds} folds{gaps}; the intervals are Student's t with"
        f" {plural(folds - 1, 'degree')} of freedom and Nadeau and Bengio's variance"
        f" s² (1/{folds} + {sharing}), because folds share training images: {sharing} test images"
        " of a fold for each image trained on."
    )
