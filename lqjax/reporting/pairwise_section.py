"""The tests between models: what they are, and what they say of every pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lqjax.metrics.permutation import PERMUTATIONS, SEED
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.document import Block, Fold, Text
from lqjax.reporting.formatting import plural, significant
from lqjax.reporting.outcomes_in_words import correction, outcome_of_first
from lqjax.reporting.pairwise import PairTests
from lqjax.reporting.pairwise_tables import answers_table, pairs_table, sizes_table
from lqjax.reporting.study import Study
from lqjax.textlists import enumeration

TESTS_FILE = "tests.csv"
MOST_PAIRS = 10
"""Pairs with tables of their own: all of five models. The file has every pair."""


def pairwise_section(study: Study, pairs: Sequence[PairTests]) -> Iterator[Block]:
    """Say of every pair where a difference is shown; nothing where no pair can be compared."""
    if not pairs:
        return
    leading, *others = pairs
    yield Text(_about_tests(study, pairs))
    if others:
        yield pairs_table(pairs)
    elif leading.tests.count:
        start = "" if leading.tests.covers_training else "For these trained networks, "
        yield Text(
            f"{start}{leading.first} against {leading.second}, after {correction(leading.tests)}:"
            f" {outcome_of_first(leading.tests)}."
        )
    yield answers_table(leading)
    yield sizes_table(leading)
    yield Text(_about_sizes(study, pairs))
    shown = others[: MOST_PAIRS - 1]
    if shown:
        tables = [t for pair in shown for t in (answers_table(pair), sizes_table(pair))]
        rest = len(others) - len(shown)
        more = [Text(f"{plural(rest, 'further pair')}: in {TESTS_FILE}.")] if rest else []
        yield Fold("The other pairs by condition", (*tables, *more), TESTS_FILE)


def _about_tests(study: Study, pairs: Sequence[PairTests]) -> str:
    parts = [
        origin_of_p_values([((pair.first, pair.second), pair.tests.test) for pair in pairs]),
        _family(pairs),
        f"Holm: any false finding at all among them has a chance of at most {100 * LEVEL:.0f} %,"
        " however they depend on one another; stars and verdict go by it. Benjamini-Hochberg"
        f" (BH): of all that is found up to {LEVEL} at most {100 * LEVEL:.0f} % is false on"
        " average; it is for looking further.",
        _left_out(study, pairs),
        f"All numbers are in {TESTS_FILE}.",
    ]
    return " ".join(filter(None, parts))


def origin_of_p_values(pairs: Sequence[tuple[tuple[str, str], str]]) -> str:
    """Say which test the p-values of each pair, ((first, second), test), come from."""
    by_test: dict[str, list[str]] = {}
    for (first, second), test in pairs:
        by_test.setdefault(test, []).append(f"{first} and {second}")
    if len(by_test) == 1:
        return f"p of a gap in accuracy is that of {next(iter(by_test))}."
    parts = [f"Between {', '.join(named)}: {test}" for test, named in by_test.items()]
    return f"p of a gap in accuracy depends on how often both were trained. {'. '.join(parts)}."


def _family(pairs: Sequence[PairTests]) -> str:
    """Say which tests are corrected for together."""
    tests = pairs[0].tests
    if len(pairs) > 1:
        groups = [
            f"the {plural(tests.family, 'test')} of all {len(pairs)} pairs of networks in the"
            " degraded conditions"
            if tests.family
            else "",
            f"the {plural(tests.clean_family, 'test')} on clean images"
            if tests.clean_family
            else "",
        ]
        return (
            f"Corrected together are {', and apart from these '.join(filter(None, groups))}. That"
            " all pairs count is because best and runner-up were picked on these same images."
        )
    if not tests.family:
        return ""
    clean = "; that on clean images stands by itself" if tests.clean_family else ""
    return (
        f"Corrected together are the tests in {plural(tests.family, 'degraded condition')}{clean}."
    )


def _left_out(study: Study, pairs: Sequence[PairTests]) -> str:
    tested = {model for pair in pairs for model in (pair.first, pair.second)}
    absent = [model for model in study.models if model not in tested]
    if not absent:
        return ""
    return (
        f"Not among them: {enumeration(absent)}; of a network with several learning rates the best"
        " by validation is tested."
    )


def _about_sizes(study: Study, pairs: Sequence[PairTests]) -> str:
    cells = [cell for pair in pairs for cell in pair.cells]
    ratio = "Odds ratio: how often the first alone is right for each time the second alone is."
    parts = [
        ratio if any(cell.odds is not None for cell in cells) else "",
        "Cohen's h: difference of the accuracies after the arcsine transform; 0.2 is called small,"
        " 0.5 medium, 0.8 large.",
    ]
    tested = [cell.losses for cell in cells if cell.losses is not None]
    if tested:
        several = ", a mean over seeds" if _several_seeds(study) else ""
        count = sum(cell.condition.degraded for cell in cells if cell.losses is not None)
        parts += [
            f"Losses: the cross-entropy of each image{several}; below 0 the first is better. It"
            " weighs confidence too: a network that is right more often can have the larger loss if"
            " it is surer of its mistakes. Cohen's d: mean difference in standard deviations over"
            " images.",
            _permutations(study, all(found.exact for found in tested)),
            "These p-values are corrected as those of accuracies are, apart from them.",
            _coarse(count) if not all(found.exact for found in tested) else "",
        ]
    return " ".join(filter(None, parts))


def _permutations(study: Study, exact: bool) -> str:
    """Say how the losses were tested, and what that covers."""
    turned = "images' differences" if study.groups is None else "differences of whole groups"
    covers = "It covers other test images, not training again."
    if exact:
        return f"Their test goes through all signs of the {turned}. {covers}"
    return (
        f"Their test turns the signs of the {turned} at random, {PERMUTATIONS:,} times (seed"
        f" {SEED}); p = (b + 1) / {PERMUTATIONS + 1:,}, b the times that reach what was observed."
        f" {covers}"
    )


def _coarse(tests: int) -> str:
    """Warn where so many tests were made that the smallest p possible shows nothing."""
    least = tests / (PERMUTATIONS + 1)
    if least <= LEVEL:
        return ""
    return (
        f"After Holm's correction over {tests:,} of them none can be below"
        f" {significant(min(least, 1.0), 2)}: so many permutations cannot show a difference there."
    )


def _several_seeds(study: Study) -> bool:
    return any(len({run.seed for run in runs}) > 1 for runs in study.networks.values())
