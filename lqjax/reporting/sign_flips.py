"""P-values of many columns of differences by turned signs, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from lqjax.metrics.permutation import sign_flip_test
from lqjax.reporting.study import Study

VALUES_AT_ONCE = 2**23
"""Differences held in memory together; columns beyond are turned by themselves."""


class SignFlips(NamedTuple):
    """Two-sided p-value of one column, and whether all arrangements of signs were gone through."""

    p_value: float
    exact: bool


def sign_flips(study: Study, columns: Iterable[np.ndarray]) -> list[SignFlips]:
    """Test for each column that its differences are as likely with either sign.

    The signs of whole groups turn together where images belong to groups.

    Args:
      columns: each of shape (examples,), drawn from the iterable as they are needed.
    """
    found: list[SignFlips] = []
    for some in _batches(columns, max(1, VALUES_AT_ONCE // study.n)):
        tested = sign_flip_test(np.stack(some, axis=1), study.groups)
        found += map(SignFlips, tested.p_values.tolist(), tested.exact.tolist())
    return found


def _batches(columns: Iterable[np.ndarray], count: int) -> Iterator[list[np.ndarray]]:
    waiting = iter(columns)
    for first in waiting:
        yield list(chain([first], islice(waiting, count - 1)))
