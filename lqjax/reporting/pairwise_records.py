"""All tests between models as a table for other programs: a line a pair and condition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lqjax.metrics.permutation import PERMUTATIONS, SEED
from lqjax.reporting.intervals import within
from lqjax.reporting.pairwise import PairCell, PairTests

EXACT, CHI_SQUARE = "exact", "chi-square"


@dataclass(frozen=True)
class PairRecord:
    """Two models in one condition; the first has the better mean accuracy.

    Attributes:
      gap, low, high: accuracy of `model` minus `other`, a share in [-1, 1], with the 95 % interval.
      test: name of the test that decides; p its p-value, p_holm and p_bh after Holm's and
        Benjamini and Hochberg's correction over `tests` tests: all pairs in all degraded
        conditions, or all pairs on clean images.
      p_images, p_runs: of the test over images and the t-test over training runs or folds.
      runs, t: how many pairs of runs or folds, and Student's t; of Welch's test (see `test`) the
        runs of both together.
      runs_low, runs_high: 95 % interval of the gap over them, which covers training again.
      both, only_model, only_other, neither: images by which model is right.
      mcnemar: its form, "exact" or "chi-square"; p_mcnemar its p-value.
      odds_ratio, odds_low, odds_high: `only_model` by `only_other`, with the 95 % interval.
      cohens_h: of the two accuracies.
      loss_gap: mean loss of `model` minus that of `other` in nats; below 0 where `model` is better.
      cohens_d_loss: that by the standard deviation over images.
      p_loss, p_loss_holm, p_loss_bh: of the permutation test of losses; corrected as `p` is.
      permutations, seed: drawn arrangements of signs; empty where all were gone through.

    What does not apply is empty, and so is an odds ratio without an image that `other` alone gets
    right.
    """

    model: str
    other: str
    condition: str
    gap: float
    low: float
    high: float
    test: str
    p: float
    p_holm: float
    p_bh: float
    tests: int
    cohens_h: float
    p_images: float | None = None
    p_runs: float | None = None
    runs: int | None = None
    t: float | None = None
    runs_low: float | None = None
    runs_high: float | None = None
    both: int | None = None
    only_model: int | None = None
    only_other: int | None = None
    neither: int | None = None
    mcnemar: str = ""
    p_mcnemar: float | None = None
    odds_ratio: float | None = None
    odds_low: float | None = None
    odds_high: float | None = None
    loss_gap: float | None = None
    cohens_d_loss: float | None = None
    p_loss: float | None = None
    p_loss_holm: float | None = None
    p_loss_bh: float | None = None
    permutations: int | None = None
    seed: int | None = None


def pair_records(pairs: Sequence[PairTests]) -> list[PairRecord]:
    """Return one line for each pair and condition."""
    return [_record(pair, cell) for pair in pairs for cell in pair.cells]


def _record(pair: PairTests, cell: PairCell) -> PairRecord:
    name, tests = cell.condition.name, pair.tests
    optional = (*_of_runs(pair, name), *_of_counts(cell), *_of_losses(cell))
    return PairRecord(
        pair.first, pair.second, name, cell.gap.value, cell.gap.low, cell.gap.high,
        tests.test, tests.raw[name], tests.p_values[name], tests.discovery[name],
        tests.family if cell.condition.degraded else tests.clean_family, cell.h,
        p_images=tests.images.get(name),
        **{field: value for field, value in optional if _is_defined(value)},
    )  # fmt: skip


def _is_defined(value: Any) -> bool:
    """Tell numbers from ratios by zero."""
    return not isinstance(value, float) or math.isfinite(value)


def _of_runs(pair: PairTests, condition: str) -> Iterator[tuple[str, Any]]:
    found = pair.tests.runs.get(condition)
    if found is not None:
        yield "runs", sum(found.counts)
        if found.mean.is_bounded():
            yield from (("t", found.statistic), ("p_runs", found.p_value))
            ends = within(found.mean, -1, 1)
            yield from (("runs_low", ends.low), ("runs_high", ends.high))


def _of_counts(cell: PairCell) -> Iterator[tuple[str, Any]]:
    if cell.counts is None:
        return
    names = ("both", "only_model", "only_other", "neither")
    yield from zip(names, cell.counts, strict=True)
    if cell.odds is not None:
        yield "odds_ratio", cell.odds.value
    if cell.mcnemar is not None:
        yield "mcnemar", EXACT if cell.mcnemar.exact else CHI_SQUARE
        yield "p_mcnemar", cell.mcnemar.p_value
        if cell.odds is not None:
            yield from (("odds_low", cell.odds.low), ("odds_high", cell.odds.high))


def _of_losses(cell: PairCell) -> Iterator[tuple[str, Any]]:
    found = cell.losses
    if found is None:
        return
    yield from (("loss_gap", found.gap), ("cohens_d_loss", found.effect))
    yield from (("p_loss", found.p_value), ("p_loss_holm", found.holm))
    yield "p_loss_bh", found.discovery
    if not found.exact:
        yield from (("permutations", PERMUTATIONS), ("seed", SEED))
