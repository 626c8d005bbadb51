"""On which images two models differ: the four counts that every paired test starts from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool


class Discordance(NamedTuple):
    """Numbers of examples by which of two models is correct."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def pairs(self) -> int:
        """The discordant pairs: examples on which exactly one model is correct."""
        return self.only_first + self.only_second


def discordance(
    first: Bool[np.ndarray, " examples"], second: Bool[np.ndarray, " examples"]
) -> Discordance:
    """Count on how many examples both, one or neither of two models is correct.

    Args:
      first, second: which of the same examples each model classified correctly.

    Raises:
      ValueError: no examples, or two different numbers of them.

    >>> discordance(np.array([True, True, False]), np.array([True, False, False]))
    Discordance(both=1, only_first=1, only_second=0, neither=1)
    """
    if first.shape != second.shape or not first.size:
        raise ValueError(
            f"{first.size} and {second.size} examples cannot be paired; expected the same examples"
        )
    first, second = first.astype(bool), second.astype(bool)
    both, either = int((first & second).sum()), int((first | second).sum())
    right_first, right_second = int(first.sum()), int(second.sum())
    return Discordance(both, right_first - both, right_second - both, first.size - either)
