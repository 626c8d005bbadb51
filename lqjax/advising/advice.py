"""What is advised, as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from lqjax.advising.screening import Exclusion
from lqjax.advising.turning import Turn
from lqjax.metrics.interval import Estimate

CHOSEN, UNDECIDED, NONE = "chosen", "not decided", "none"


@dataclass(frozen=True)
class Standing:
    """How an admissible model stands.

    Attributes:
      accuracy: expected under the mixture, with its 95 % interval.
      best: probability that it is the best of the admissible ones.
      meets_floor: probability that it meets the floor; `None` without one.
      latency_ms, memory_mib: of a forward pass of one image; `None` where not measured.
    """

    model: str
    accuracy: Estimate
    best: float
    meets_floor: float | None
    latency_ms: float | None
    memory_mib: float | None

    def may_miss(self, certainty: float) -> bool:
        """Tell whether there is a floor, and it is not met with such a probability."""
        return self.meets_floor is not None and self.meets_floor < certainty


@dataclass(frozen=True)
class Advice:
    """Which network to take.

    Attributes:
      outcome: `CHOSEN`, `UNDECIDED`, or `NONE` where no network fulfils the needs.
      model: the chosen one; empty unless one is chosen.
      sentence: the answer in words, what is amiss with the networks first.
      leader, runner_up: the two best of the admissible; empty where there are none.
      margin: expected accuracy of the leader minus that of the runner-up; `None` without one.
      probability: that the leader is the best of the admissible and meets the floor or, where
        the outcome is `NONE`, that none meets it.
      certainty: probability from which on a choice counts as decided.
      standings: the admissible models, best first.
      excluded: the others, with reasons.
      changes: what would change the answer, in sentences.
      turns: shares of the mixture at which another model overtakes.
      caveats: what is amiss with the networks; empty if nothing is.
      varies: what the probabilities cover, in a sentence.
      mixture: share of each condition.
      path: of advice.md; `None` before it is written.
    """

    outcome: str
    model: str
    sentence: str
    leader: str
    runner_up: str
    margin: Estimate | None
    probability: float
    certainty: float
    standings: tuple[Standing, ...]
    excluded: tuple[Exclusion, ...]
    changes: tuple[str, ...]
    turns: tuple[Turn, ...]
    caveats: str
    varies: str
    mixture: Mapping[str, float]
    path: epath.Path | None = None
