"""The paired permutation test: the signs of per-example differences are turned at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from lqjax.metrics.bca import TOLERANCE
from lqjax.metrics.grouping import grouping

PERMUTATIONS = 9_999
"""With the data's own arrangement ten thousand."""
SEED = 0
MOST_ENUMERATED = 14
"""Differing examples up to which all arrangements (16,384) are gone through."""
SIGNS_AT_ONCE = 2**20
"""Signs held in memory together. The result does not depend on it."""
WORD = 32
"""Bits that the generator draws at a time; a row is a whole number of them."""
BYTE = 8


class PermutationTest(NamedTuple):
    """Two-sided p-values, one for each column, and whether all arrangements were enumerated."""

    p_values: Float[np.ndarray, " cells"]
    exact: Bool[np.ndarray, " cells"]


def sign_flip_test(
    differences: Num[np.ndarray, "examples cells"],
    groups: Sequence | np.ndarray | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> PermutationTest:
    """Test that two models' losses or scores on the same examples are exchangeable.

    If they are, an example's difference is as likely with either sign. The statistic is the
    absolute sum of the differences, over all arrangements of signs where few examples differ, else
    over random ones with p = (b + 1) / (m + 1), where b of m arrangements reach what was observed.
    Cells that are not enumerated are tested under the same arrangements, and what becomes of a cell
    does not depend on which others stand beside it.

    Args:
      differences: score of the first model minus that of the second, by example and cell.
      groups: id of each example's patient, slide or scene; a group's signs turn together.
      permutations: how many random arrangements are drawn.
      seed: of the drawing.

    Raises:
      ValueError: another shape, fewer than two examples or groups, differences that are not
        finite, or no permutations.

    Source: Pitman 1937, "Significance tests which may be applied to samples from any populations";
    Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    differences = np.asarray(differences)
    if differences.ndim != 2:
        raise ValueError(
            f"differences of shape {differences.shape}; expected (examples, cells): for one cell"
            " `differences[:, None]`"
        )
    if permutations < 1:
        raise ValueError(f"permutations={permutations} is not possible; allowed: 1 or more")
    sums = grouping(len(differences), groups).sums(differences).astype(np.float64)
    exact = np.count_nonzero(sums, axis=0) <= MOST_ENUMERATED
    p_values = np.ones(sums.shape[1])
    for cell in np.flatnonzero(exact):
        own = sums[sums[:, cell] != 0, cell, None]  # zeros are the same with either sign
        reached = _reached(own, _all_flips(len(own)))
        p_values[cell] = reached.item() / 2 ** len(own)
    if not exact.all():
        blocks = _random_flips(len(sums), permutations, seed)
        p_values[~exact] = (_reached(sums[:, ~exact], blocks) + 1) / (permutations + 1)
    return PermutationTest(p_values, exact)


def _reached(
    sums: Float[np.ndarray, "units cells"], blocks: Iterable[np.ndarray]
) -> Int[np.ndarray, " cells"]:
    """Count for each cell the arrangements that are as extreme as the data's own."""
    total = sums.sum(axis=0)
    least = np.abs(total) - TOLERANCE * np.abs(sums).sum(axis=0)
    reached = np.zeros(sums.shape[1], np.int64)
    for flips in blocks:
        turned = total - 2 * (flips.astype(np.float64) @ sums)
        reached += (np.abs(turned) >= least).sum(axis=0)
    return reached


def _all_flips(units: int) -> Iterator[np.ndarray]:
    """Yield every choice of units whose sign turns, as rows of zeros and ones."""
    yield np.arange(2**units)[:, None] >> np.arange(units) & 1


def _random_flips(units: int, permutations: int, seed: int) -> Iterator[np.ndarray]:
    """Yield random choices, some at a time."""
    random = np.random.default_rng(seed)
    width = -(-units // WORD) * WORD // BYTE
    rows = max(1, SIGNS_AT_ONCE // units)
    for start in range(0, permutations, rows):
        some = min(rows, permutations - start)
        drawn = np.frombuffer(random.bytes(some * width), np.uint8).reshape(some, width)
        yield np.unpackbits(drawn, axis=1, count=units)
