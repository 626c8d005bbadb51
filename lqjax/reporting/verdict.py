"""Which model won, by how much, and whether it could be chance: one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lqjax.metrics.interval import Estimate
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.comparison import Cell, Comparison
from lqjax.reporting.diverged import incomplete
from lqjax.reporting.formatting import interval, p_value, percent, plural, points
from lqjax.reporting.intervals import accuracy_over_images, within
from lqjax.reporting.learning_rates import contenders
from lqjax.reporting.outcomes_in_words import correction, outcome
from lqjax.reporting.protocol import opening
from lqjax.reporting.study import Study
from lqjax.reporting.training_state import Levelling, levelling
from lqjax.reporting.unfinished import unfinished
from lqjax.textlists import enumeration

CHANCE_OF_TRAINING = "No difference is shown over training runs"
TOO_FEW_GROUPS = "No difference is shown over groups of images"


@dataclass(frozen=True)
class Verdict:
    """The answer in two lengths.

    Attributes:
      headline: a few words, without the caveats of the sentence.
      sentence: the whole answer; caveats first.
      winner: the model named as winner; empty where none is.
    """

    headline: str
    sentence: str
    winner: str


def judge(study: Study, comparison: Comparison) -> Verdict:
    """Put the result of a comparison into words."""
    caveats = (
        unfinished(study)
        or incomplete(study, contenders(study))
        or one_class(study)
        or untrained(study, comparison)
        or undertrained(study)
        or one_group(study)
    )
    if not comparison.other:
        return _single(study, comparison, caveats)
    if caveats:
        reason = caveats.partition(":")[0]
        return Verdict(
            f"{reason}: no winner is named",
            f"{caveats}, so no winner is named; {_standing(study, comparison)}.",
            "",
        )
    gap, where = _main_gap(comparison)
    start = opening(study, comparison)
    if gap is None:
        return Verdict(
            "No winner is named",
            f"{start}, no condition was finished by both; run --mode=evaluate to the end.",
            "",
        )
    clean = _clean_clause(comparison) if comparison.shared else ""
    scope, counted = _scope(study, comparison), _counted(comparison)
    leader, other = comparison.leader, comparison.other
    if not gap.excludes_zero():
        claim = (
            f"no difference is shown on the {where} images: {leader} minus {other} is"
            f" {points(gap)} ({scope})"
        )
        return Verdict("No difference is shown", f"{start}, {claim}{counted}{clean}.", "")
    rank = ", the runner-up" if len(study.models) > 2 else ""
    claim = (
        f"{leader} classified {points(gap)} more of the {where} images correctly than"
        f" {other}{rank} ({scope})"
    )
    retrained, lasting = _retrained_clause(comparison)
    grouped, certain = _grouped_clause(study, comparison)
    headline = f"{leader} is ahead by {percent(gap.value)} points"
    if not (lasting and certain):
        headline = CHANCE_OF_TRAINING if certain else TOO_FEW_GROUPS
    return Verdict(
        headline,
        f"{start}, {claim}{grouped}{retrained}{counted}{clean}.",
        leader if lasting and certain else "",
    )


def _grouped_clause(study: Study, comparison: Comparison) -> tuple[str, bool]:
    """Say whether so many groups can tell a difference from chance; may a winner be named?"""
    chance = comparison.by_group
    if chance is None or chance <= LEVEL or study.groups is None:
        return "", True
    count = plural(len(set(study.groups.tolist())), "group")
    return (
        f", but {count} of images do not exclude chance (p = {p_value(chance)} when the signs of"
        " whole groups are turned)",
        False,
    )


def one_class(study: Study) -> str:
    """Say that all test images are of one class; else empty."""
    if study.commonest_share < 1:
        return ""
    only = study.class_names[study.labels[0]]
    return (
        f"One class: the test set ({plural(study.n, 'image')}) has only images of {only}, and"
        " accuracy on them does not tell a network that recognises classes from one that always"
        f" answers {only}"
    )


def one_group(study: Study) -> str:
    """Say that all test images belong together, such as to one patient; else empty."""
    groups = study.tested.groups
    if groups is None or study.groups is not None:
        return ""
    return (
        f"One group: all {study.n:,} test images belong to {groups[0]}, and nothing here tells what"
        " the images of others would give"
    )


def _retrained_clause(comparison: Comparison) -> tuple[str, bool]:
    """Say what training again would do to the gap, as far as seeds tell; may a winner be named?"""
    gap = comparison.retrained
    if gap is None:
        return "", True
    if gap.low > 0:  # runs of shared seeds alone might even turn it
        return f"; over training runs the gap is {points(gap)}", True
    return f", but training again may turn this: over training runs the gap is {points(gap)}", False


def untrained(study: Study, comparison: Comparison) -> str:
    """Name the models whose clean accuracy is no better than the commonest class; else empty."""
    clean = comparison.clean
    if clean is None:
        return ""
    chosen = contenders(study)
    low = [
        f"{model} ({percent(found.value)} %)"
        for model, found in clean.accuracy.items()
        if model in chosen
        and found is not None
        and _surely(study, model, clean) <= study.commonest_share
    ]
    if not low:
        return ""
    return (
        f"Not trained: clean images do not show {enumeration(low)} to do better than always"
        f" answering the commonest class ({percent(study.commonest_share)} %)"
    )


def _surely(study: Study, model: str, clean: Cell) -> float:
    """Return what a model's clean accuracy is at least, as far as the test images tell.

    Groups do not count: two patients say little about others, but that a network learned to tell
    classes apart shows in their images.
    """
    if study.folds == 1 and study.groups is None:
        return clean.accuracy[model].low  # type: ignore[union-attr]
    ungrouped = replace(study, tested=replace(study.tested, groups=None))
    return accuracy_over_images(ungrouped, study.correct(model, clean.condition)).low


def still_rising(study: Study) -> dict[str, Levelling]:
    """Find the models of which training accuracy has not levelled off, in some run at least."""
    rising: dict[str, Levelling] = {}
    for network in study.all_networks:
        state = levelling(network.history)
        if state is not None and not state.levelled_off:
            rising.setdefault(network.model, state)
    return rising


def undertrained(study: Study) -> str:
    """Name the models whose training accuracy has not levelled off; else empty."""
    chosen = contenders(study)
    rising = {model: state for model, state in still_rising(study).items() if model in chosen}
    if not rising:
        return ""
    details = [
        f"{model} (up {percent(state.rise)} points over the last"
        f" {'epoch' if state.window == 1 else plural(state.window, 'epoch')}, to"
        f" {percent(state.last)} %)"
        for model, state in rising.items()
    ]
    return f"Undertrained: training accuracy has not levelled off for {enumeration(details)}"


def _main_gap(comparison: Comparison) -> tuple[Estimate | None, str]:
    """Return the gap that decides, and the images it is about."""
    if comparison.shared:
        return comparison.mean_gap, "degraded"
    return (comparison.clean.gap if comparison.clean else None), "clean"


def _scope(study: Study, comparison: Comparison) -> str:
    count = len(comparison.shared)
    parts = [f"{'mean over ' if count > 1 else ''}{plural(count, 'condition')}"] if count else []
    return ", ".join([*parts, plural(study.n, "image")])


def _counted(comparison: Comparison) -> str:
    """Say in how many degraded conditions either is shown to be better."""
    tests = comparison.tests
    if tests is None or tests.count < 2:
        return ""
    said = outcome(comparison.leader, comparison.other, tests)
    return f"; after {correction(tests)} {said}"


def _clean_clause(comparison: Comparison) -> str:
    """Say how the two stand on clean images, as the second half of the sentence."""
    cell: Cell | None = comparison.clean
    if cell is None or cell.gap is None:
        return ""
    gap, leader, other = cell.gap, comparison.leader, comparison.other
    if not comparison.shown(cell.condition):  # as the star in the table
        reason = _in_spite_of(comparison, cell) if gap.excludes_zero() else ""
        return f"; on clean images no difference is shown ({points(gap)}{reason})"
    if gap.value > 0:
        return f"; on clean images {leader} is ahead too ({points(gap)})"
    turned = Estimate(-gap.value, -gap.high, -gap.low)
    return f"; on clean images {other} is ahead ({points(turned)})"


def _in_spite_of(comparison: Comparison, cell: Cell) -> str:
    """Say why no difference is shown although the interval over images leaves out zero."""
    name, tests = cell.condition.name, comparison.tests
    if tests is None:
        return ""
    runs = tests.runs.get(name)
    if runs is not None and tests.images and runs.mean.is_bounded() and runs.p_value > LEVEL:
        return f"; over training runs {interval(within(runs.mean, -1, 1))}"
    if tests.raw[name] > LEVEL:
        return f"; p = {p_value(tests.raw[name])} by {tests.test.partition(' that ')[0]}"
    return f"; p = {p_value(tests.p_values[name])} after Holm's correction over all pairs"


def _standing(study: Study, comparison: Comparison) -> str:
    gap, where = _main_gap(comparison)
    if gap is None:
        return "no condition was finished by both"
    runs = {len(found) for found in study.networks.values()}
    once = ", one run each" if runs == {1} else ""
    return (
        f"as they stand, {comparison.leader} minus {comparison.other} is {points(gap)} on the"
        f" {where} images ({_scope(study, comparison)}{once})"
    )


def _single(study: Study, comparison: Comparison, caveats: str) -> Verdict:
    model = comparison.leader
    parts = []
    clean = comparison.clean
    if clean is not None and (found := clean.accuracy[model]) is not None:
        parts.append(f"{percent(found.value)} % {interval(found)} of the clean images")
    if comparison.shared:
        mean = comparison.mean[model]
        parts.append(f"{percent(mean.value)} % {interval(mean)} of the degraded images")
    start = f"{caveats}; for this network" if caveats else opening(study, comparison)
    claim = f"{model} classified {enumeration(parts)} correctly ({_scope(study, comparison)})"
    headline = f"{model}: nothing to compare with"
    return Verdict(headline, f"{start}, {claim}; there is no second model to compare with.", "")
