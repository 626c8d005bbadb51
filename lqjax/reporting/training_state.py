"""Whether a network was trained to the end, judged from its epochs and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lqjax.rows import Epoch

RISE = 0.02
"""Training accuracy that still rises by more than this (2 points) has not levelled off."""

WINDOW = 0.2
"""Share of all epochs over which the rise is measured, at least one epoch."""


@dataclass(frozen=True)
class Levelling:
    """How training accuracy moved at the end of training.

    Attributes:
      rise: mean of the last window of epochs less the mean of the window before; shares.
      window: epochs in each.
      last: training accuracy of the last epoch.
      levelled_off: the rise is at most `RISE`, or at most `RISE` is left to rise.
    """

    rise: float
    window: int
    last: float
    levelled_off: bool


def levelling(history: Sequence[Epoch]) -> Levelling | None:
    """Judge whether training accuracy has levelled off.

    It has if the last `WINDOW` of the epochs is on average at most `RISE` above the window
    before, or if the last epoch is within `RISE` of 100 %. One epoch alone shows no levelling.

    Returns:
      `None` without a history.
    """
    if not history:
        return None
    accuracy = np.array([e.train_accuracy for e in sorted(history, key=lambda e: e.epoch)])
    window = max(1, round(WINDOW * len(accuracy)))
    last = float(accuracy[-1])
    if len(accuracy) < 2 * window:
        return Levelling(last, len(accuracy), last, last >= 1 - RISE)
    rise = float(accuracy[-window:].mean() - accuracy[-2 * window : -window].mean())
    return Levelling(rise, window, last, rise <= RISE or last >= 1 - RISE)
