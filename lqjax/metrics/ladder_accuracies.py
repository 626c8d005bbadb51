"""One model's accuracies along a ladder, and those of the resampled test sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Num

from lqjax.metrics.grouping import grouping
from lqjax.metrics.resamples import RESAMPLES, SEED, Resamples


class LadderAccuracies(NamedTuple):
    """Shares of correct answers: of clean images, and by level from the mildest to the strongest.

    The resampled ones have the same images at all levels and on clean images.
    """

    clean: float
    levels: Float[np.ndarray, " levels"]
    resampled_clean: Float[np.ndarray, " resamples"]
    resampled_levels: Float[np.ndarray, "resamples levels"]


def ladder_accuracies(
    clean: Num[np.ndarray, " examples"] | Bool[np.ndarray, " examples"],
    correct: Num[np.ndarray, "levels examples"] | Bool[np.ndarray, "levels examples"],
    groups: Sequence | np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> LadderAccuracies:
    """Count correct answers and draw the test images again, each with its answers at all levels.

    Args:
      clean: which images are classified correctly as they are; of several runs, by which share.
      correct: which are at each level, mildest first.
      groups: id of each image's patient, slide or scene; whole groups are then drawn.
      resamples: bootstrap samples.
      seed: of the drawing; equal seeds draw the same images for every model.

    Raises:
      ValueError: fewer than two images or groups, shapes that do not fit, or no shares.
    """
    clean, correct = np.asarray(clean), np.asarray(correct)
    if correct.ndim != 2 or correct.shape[1:] != clean.shape:
        raise ValueError(
            f"clean {clean.shape} and correct {correct.shape} do not match; expected (examples,)"
            " and (levels, examples) of the same images"
        )
    answers = np.vstack([clean, correct]).T
    if not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError("answers must be right (1) or wrong (0), or shares of runs in [0, 1]")
    sampled = Resamples(grouping(clean.size, groups), resamples, seed).means(answers)
    observed = answers.mean(axis=0)
    return LadderAccuracies(float(observed[0]), observed[1:], sampled[:, 0], sampled[:, 1:])
