"""Which change of the mixture would turn the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lqjax.advising.mixture import Entry, Mixture
from lqjax.reporting.conditions import by_family
from lqjax.reporting.study import Study

ROUNDING = 1e-12


@dataclass(frozen=True)
class Turn:
    """A share of one kind of image at which another model overtakes, all else in proportion.

    Attributes:
      name: the kind of image, as in the mixture, or a family or condition that is not in it.
      share, now: where the two are level, and what the mixture has; in [0, 1].
      model: who is ahead beyond.
    """

    name: str
    share: float
    now: float
    model: str


def turns(study: Study, mixture: Mixture, leader: str, rivals: Sequence[str]) -> list[Turn]:
    """Find where rivals overtake the leader, by the measured means; the smallest change first.

    Each kind of image of the mixture, each measured family of which nothing is in it, and each
    other condition of a family that is in it in part, is given more and less weight; the nearest
    turn on each side is returned.
    """
    found = []
    accuracy = {m: _accuracies(study, m) for m in (leader, *rivals)}
    for entry in (*mixture.entries, *_others(study, mixture, (leader, *rivals))):
        near = [
            Turn(entry.name, share, entry.share, rival)
            for rival in rivals
            if (share := _level(mixture, entry, accuracy[leader], accuracy[rival])) is not None
        ]
        more = [turn for turn in near if turn.share >= entry.share]
        less = [turn for turn in near if turn.share < entry.share]
        found += [min(more, key=lambda t: t.share)] if more else []
        found += [max(less, key=lambda t: t.share)] if less else []
    return sorted(found, key=lambda turn: abs(turn.share - turn.now))


def _level(
    mixture: Mixture, entry: Entry, leader: Mapping[str, float], rival: Mapping[str, float]
) -> float | None:
    """Return the share of an entry at which two models are level; `None` where there is none.

    The gap is linear in the share: that of the entry's images, and that of all others.
    """
    inside = _gap({c: 1 / len(entry.conditions) for c in entry.conditions}, leader, rival)
    rest = 1 - entry.share
    if rest <= ROUNDING:
        return None
    shares = {c: s / rest for c, s in mixture.shares.items() if c not in entry.conditions}
    outside = _gap(shares, leader, rival)
    if abs(outside - inside) <= ROUNDING:
        return None
    share = outside / (outside - inside)
    return share if 0 < share < 1 else None


def _gap(
    shares: Mapping[str, float], leader: Mapping[str, float], rival: Mapping[str, float]
) -> float:
    return sum(share * (leader[c] - rival[c]) for c, share in shares.items())


def _accuracies(study: Study, model: str) -> dict[str, float]:
    return {
        c.name: float(study.correct(model, c).mean())
        for c in study.conditions
        if study.finished(model, c)
    }


def _others(study: Study, mixture: Mixture, models: Sequence[str]) -> list[Entry]:
    """Make entries without a share of what all models were tested under besides the mixture.

    A family stands under its name where none of it is in the mixture. Of one that is there in part
    each other condition stands for itself: the rest is not the family, whose share is not zero.
    """
    free = [
        c
        for c in study.conditions
        if c.name not in mixture.shares and all(study.finished(m, c) for m in models)
    ]
    in_part = by_family(c for c in study.conditions if c.name in mixture.shares)
    found: dict[str, list[str]] = {}
    for c in free:
        found.setdefault(c.family if c.degraded and c.family not in in_part else c.name, []).append(
            c.name
        )
    return [Entry(name, 0.0, tuple(conditions)) for name, conditions in found.items()]
