"""Which epoch of a training run is which: the best, those that are kept, the one that is tested."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.rows import Epoch

BEST = "best"
"""Choice of `evaluation.checkpoint`; the other one is the last epoch."""


def tested_epoch(history: Sequence[Epoch], checkpoint: str) -> Epoch:
    """Pick the epoch whose weights are tested, by `evaluation.checkpoint`: the best or the last."""
    return best_epoch(history) if checkpoint == BEST else history[-1]


def kept_epochs(history: Sequence[Epoch], steps: Sequence[int]) -> list[Epoch]:
    """Pick the epochs of which there is a checkpoint; of the others the weights are lost."""
    return [epoch for epoch in history if epoch.step in steps]


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Pick the best epoch: highest validation accuracy, then lowest loss, then the earliest."""
    return min(history, key=lambda e: (-e.validation_accuracy, e.validation_loss, e.epoch))
