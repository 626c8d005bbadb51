"""The paired permutation test: the signs of per-example differences are turned at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

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
    exact: bool


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
    All cells are tested under the same arrangements.

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
    sums = sums[np.any(sums != 0, axis=1)]  # zeros are the same with either sign
    exact = len(sums) <= MOST_ENUMERATED
    reached = np.zeros(sums.shape[1], np.int64)
    least = np.abs(sums.sum(axis=0)) - TOLERANCE * np.abs(sums).sum(axis=0)
    blocks = _all_flips(len(sums)) if exact else _random_flips(len(sums), permutations, seed)
    for flips in blocks:
        turned = sums.sum(axis=0) - 2 * (flips.astype(np.float64) @ sums)
        reached += (np.abs(turned) >= least).sum(axis=0)
    if exact:
        return PermutationTest(reached / 2 ** len(sums), exact=True)
    return PermutationTest((reached + 1) / (permutations + 1), exact=False)


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
