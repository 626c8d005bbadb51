"""How probable it is that a choice is right, and how probable it can be at most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lqjax.advising.drawing import ROUNDING, Draws


def best_in(draws: Draws, model: str, rivals: Sequence[str]) -> np.ndarray:
    """Return for each draw 1 where a model is the best, 1/m where m are equally good, else 0."""
    own = draws.column(model)
    others = [draws.column(rival) for rival in rivals if rival != model]
    if not others:
        return np.ones(len(own))
    gaps = np.stack(others) - own
    equal = 1 + (np.abs(gaps) <= ROUNDING).sum(axis=0)
    return np.where((gaps > ROUNDING).any(axis=0), 0.0, 1 / equal)


def meets_in(draws: Draws, model: str, floor: float) -> np.ndarray:
    """Return for each draw whether a model's accuracy is at least the floor."""
    return draws.column(model) >= floor - ROUNDING


def most_certain_best(draws: Draws, model: str, rivals: Sequence[str]) -> float:
    """Return the largest probability that the images allow of a model being the best.

    Where k images tell two models apart and all k favour one, each drawn set does too, however
    small k is. But if either model were as likely to be favoured, any share p in [0, 1] of such
    images being as good a guess beforehand, then after k for one model the probability of p above
    one half is 1 - 2^-(k+1). No outcome of k images can say more.
    """
    others = [rival for rival in rivals if rival != model]
    return min((1 - 0.5 ** (draws.telling_apart(model, r) + 1) for r in others), default=1.0)


def most_certain_meeting(draws: Draws, floor: float) -> float:
    """Return the largest probability that so many images allow of a floor being met.

    After n right answers out of n it is 1 - floor^(n+1), by the same reasoning.
    """
    return 1 - floor ** (len(draws.by_unit) + 1)


def most_certain_missing(draws: Draws, floor: float) -> float:
    """Return the largest probability that so many images allow of a floor being missed."""
    return 1 - (1 - floor) ** (len(draws.by_unit) + 1)
