"""The tables of the tests between models."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lqjax.metrics.mcnemar import LEAST_FOR_CHI_SQUARE
from lqjax.metrics.shown import LEVEL
from lqjax.reporting.conditions import by_family
from lqjax.reporting.document import Table, TableRow
from lqjax.reporting.formatting import (
    GAP_HEAD,
    MISSING,
    about_gap,
    gap,
    interval,
    number_word,
    optional,
    p_value,
    plural,
    significant,
)
from lqjax.reporting.intervals import within
from lqjax.reporting.loss_tests import LossTest
from lqjax.reporting.outcomes_in_words import outcome_of_first
from lqjax.reporting.pairwise import PairCell, PairTests
from lqjax.reporting.tables import without_empty_columns
from lqjax.reporting.training_runs import LEAST_SEEDS

EFFECT_DECIMALS = 2
LOSS_DECIMALS = 3
ODDS_DIGITS = 2
CORRECTED = ("p, Holm", "p, BH")
UNBOUNDED = "∞"
IMAGES_ONLY_MARK = " †"
"""Marks a pair of which nothing covers training again, beside pairs of which the tests do."""


def pairs_table(pairs: Sequence[PairTests]) -> Table:
    """Tabulate all pairs: in how many conditions which is better, and by how much."""
    rows = []
    images_only = [not pair.tests.covers_training for pair in pairs]
    mark = "" if all(images_only) else IMAGES_ONLY_MARK
    for pair, marked in zip(pairs, images_only, strict=True):
        clean = next((cell for cell in pair.cells if not cell.condition.degraded), None)
        words = outcome_of_first(pair.tests) if pair.tests.count else MISSING
        numbers = (gap(pair.mean_gap), *_clean(pair, clean))
        name = f"{pair.first} − {pair.second}{mark if marked else ''}"
        rows.append(TableRow((name, words, *numbers)))
    header = (
        "pair",
        f"the first in the degraded conditions, after Holm at {LEVEL}",
        "mean gap, degraded",
        "gap, clean",
        "p, clean",
    )
    caption = (
        "All pairs, the one with the better mean accuracy first. Gaps in points with 95 %"
        " intervals, each for itself; p of the clean images after Holm's correction over the pairs."
        f"{_images_only(mark) if any(images_only) else ''}"
    )
    table = Table(caption, header, tuple(rows), labels=2)
    return without_empty_columns(table)


def _images_only(mark: str) -> str:
    """Say of which pairs, the marked ones or all, nothing covers training again."""
    about = "about these trained networks and other test images only"
    which = f"{mark}: what is said of such a pair is" if mark else " All of it is"
    return (
        f"{which} {about}; training again is covered where both were trained"
        f" {number_word(LEAST_SEEDS)} times or more."
    )


def _clean(pair: PairTests, cell: PairCell | None) -> tuple[str, str]:
    if cell is None:
        return MISSING, MISSING
    shown = pair.tests.shown(cell.condition)
    return gap(cell.gap, shown), p_value(pair.tests.p_values[cell.condition.name])


def answers_table(pair: PairTests) -> Table:
    """Tabulate gap, discordant images and p-values of two models by condition."""
    tests, runs = pair.tests, bool(pair.tests.images) and bool(pair.tests.runs)
    rows = []
    starts = _starts(pair)
    for cell in pair.cells:
        name = cell.condition.name
        alone = (MISSING, MISSING)
        if cell.counts is not None:
            alone = (f"{cell.counts.only_first:,}", f"{cell.counts.only_second:,}")
        again = (_interval_over_runs(pair, name),) if runs else ()
        apart = (p_value(tests.images[name]), _over_runs(pair, name)) if runs else ()
        values = (tests.raw[name], tests.p_values[name], tests.discovery[name])
        rows.append(
            TableRow(
                (
                    cell.condition.short,
                    gap(cell.gap, tests.shown(cell.condition)),
                    *again,
                    *alone,
                    *apart,
                    *(p_value(value) for value in values),
                ),
                "start" if name in starts else "",
            )
        )
    header = [
        "condition",
        GAP_HEAD,
        *(["gap over runs"] if runs else []),
        f"only {pair.first} right",
        f"only {pair.second} right",
        *(["p, images", "p, runs"] if runs else []),
        "p, raw",
        *CORRECTED,
    ]
    caption = f"{about_gap(pair.first, pair.second)}{_covered(pair)}{_form(pair)}"
    return without_empty_columns(Table(caption, tuple(header), tuple(rows)))


def _starts(pair: PairTests) -> set[str]:
    """Name the conditions with which a family begins."""
    families = by_family(cell.condition for cell in pair.cells)
    return {conditions[0].name for conditions in families.values()}


def _over_runs(pair: PairTests, condition: str) -> str:
    found = pair.tests.runs[condition]
    return p_value(found.p_value if found.mean.is_bounded() else None)


def _interval_over_runs(pair: PairTests, condition: str) -> str:
    found = pair.tests.runs[condition].mean
    return interval(within(found, -1, 1)) if found.is_bounded() else MISSING


def _covered(pair: PairTests) -> str:
    """Say what the intervals of a table cover; nothing of folds, which have one for all."""
    if not pair.tests.images:
        return ""
    if not pair.tests.covers_training:
        return " Intervals and p are about these trained networks and other test images only."
    counts = next(iter(pair.tests.runs.values())).counts
    test = f"t-test over {plural(counts[0], 'training run')}"
    if len(counts) > 1:
        test = f"Welch's t-test of {counts[0]} and {counts[1]} training runs"
    return (
        f" The interval beside it covers other test images; that over runs ({test}) covers training"
        " again, judged on the same images. A difference has to stand up to both."
    )


def _form(pair: PairTests) -> str:
    """Say in which form McNemar's test was made."""
    forms = [cell.mcnemar.exact for cell in pair.cells if cell.mcnemar is not None]
    if not forms:
        return ""
    exact = "the exact binomial test"
    square = "χ² with one degree of freedom and continuity correction"
    below = f"fewer than {LEAST_FOR_CHI_SQUARE} images that only one of the two gets right"
    if all(forms):
        return f" McNemar's test is {exact} throughout: everywhere {below}."
    if not any(forms):
        return f" McNemar's test is {square}."
    count = sum(forms)
    few = f"in {number_word(count)} condition{'' if count == 1 else 's'} with {below}"
    return f" McNemar's test is {exact} {few}, elsewhere {square}."


def sizes_table(pair: PairTests) -> Table:
    """Tabulate effect sizes and the test of the losses."""
    starts = _starts(pair)
    rows = tuple(
        TableRow(
            (
                cell.condition.short,
                _odds(cell),
                _decimals(cell.h, EFFECT_DECIMALS),
                *_losses(cell.losses),
            ),
            "start" if cell.condition.name in starts else "",
        )
        for cell in pair.cells
    )
    header = (
        "condition",
        "odds ratio",
        "Cohen's h",
        "loss gap, nats",
        "Cohen's d, losses",
        "p of losses, raw",
        *CORRECTED,
    )
    what = "Effect sizes and losses" if any(c.losses for c in pair.cells) else "Effect sizes"
    caption = f"{what}, {pair.first} against {pair.second}."
    return without_empty_columns(Table(caption, header, rows))


def _losses(found: LossTest | None) -> tuple[str, ...]:
    if found is None:
        return (MISSING,) * 5
    return (
        _decimals(found.gap, LOSS_DECIMALS),
        MISSING if found.effect is None else _decimals(found.effect, EFFECT_DECIMALS),
        *(p_value(value) for value in (found.p_value, found.holm, found.discovery)),
    )


def _odds(cell: PairCell) -> str:
    if cell.odds is None:
        return MISSING
    if cell.mcnemar is None:  # its interval takes images to be independent, and runs as they are
        return _ratio(cell.odds.value)
    return f"{_ratio(cell.odds.value)} [{_ratio(cell.odds.low)}, {_ratio(cell.odds.high)}]"


def _ratio(value: float) -> str:
    return UNBOUNDED if math.isinf(value) else significant(value, ODDS_DIGITS)


def _decimals(value: float, digits: int) -> str:
    """Write a signed number with so many decimals, never as minus zero."""
    return optional(round(value, digits) + 0.0, digits)
