"""Which conditions are rungs of a ladder, and which make up the grid: kept beside the rows; no jax.

A ladder is one degradation at many severities. Its conditions are tested like any other, but what
is asked of them is where the accuracy falls. They are left out of means, tests and verdict: a
degradation would otherwise weigh the more, the finer its ladder is.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UNDEGRADED = "clean"
"""Name of the condition that every ladder is compared with."""


@dataclass(frozen=True)
class ConditionLadder:
    """One degradation at many severities.

    Attributes:
      name: canonical text, as users may write it: "jpeg(quality=95..5*9)", "imagenet_c/fog".
      title: the degradation for people, with what is fixed: "JPEG".
      parameter: what moves: "quality"; "severity" where several parameters move at once.
      unit: of its values; empty for a pure number.
      coordinate: "linear" or "log", as the levels are spaced; empty where they are in neither.
      levels: values of the parameter, rising or falling all the way.
      conditions: canonical text of the condition at each level.
    """

    name: str
    title: str
    parameter: str
    unit: str
    coordinate: str
    levels: tuple[float, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Rungs:
    """What a working directory was tested under: the grid, and the ladders.

    Attributes:
      grid: names of the conditions that means, tests and verdict are about.
      ladders: in the order in which they are reported.
    """

    grid: tuple[str, ...] = ()
    ladders: tuple[ConditionLadder, ...] = ()

    @property
    def apart(self) -> frozenset[str]:
        """Names of the conditions that are tested for the sake of a ladder only."""
        return frozenset(self._climbed) - set(self.grid)

    @property
    def conditions(self) -> tuple[str, ...]:
        """All names: the grid, then what the ladders add to it, each once."""
        return tuple(dict.fromkeys([*self.grid, *self._climbed]))

    @property
    def _climbed(self) -> list[str]:
        names = [name for ladder in self.ladders for name in ladder.conditions]
        return [UNDEGRADED, *names] if names else []

    def after(self, earlier: Rungs) -> Rungs:
        """Add what was tested earlier: rows that are there keep the part that they had."""
        return Rungs(
            tuple(dict.fromkeys([*self.grid, *earlier.grid])),
            tuple({ladder.name: ladder for ladder in (*self.ladders, *earlier.ladders)}.values()),
        )


def rungs_to_json(rungs: Rungs) -> str:
    """Write the file that a working directory keeps."""
    return json.dumps(dataclasses.asdict(rungs), indent=1, ensure_ascii=False) + "\n"


def rungs_from_json(text: str) -> Rungs:
    """Read the file that a working directory keeps.

    Raises:
      ValueError: it is no such file.
    """
    try:
        record = json.loads(text)
        ladders = tuple(ConditionLadder(**_with_tuples(ladder)) for ladder in record["ladders"])
        rungs = Rungs(tuple(record["grid"]), ladders)
        _check_kinds(rungs)
        return rungs
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a record of ladders ({error}): {text[:80]}") from None


def merge_rungs(several: Sequence[Rungs]) -> Rungs:
    """Put working directories together; what is of the grid in one of them is so in all."""
    merged = Rungs()
    for rungs in several:
        merged = merged.after(rungs)
    return merged


def _with_tuples(record: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}


def _check_kinds(rungs: Rungs) -> None:
    """Refuse what cannot be tested, drawn or written, before something else ends over it."""
    texts = [*rungs.grid]
    for ladder in rungs.ladders:
        texts += [ladder.name, ladder.title, ladder.parameter, ladder.unit, ladder.coordinate]
        texts += ladder.conditions
        if len(ladder.levels) != len(ladder.conditions):
            raise TypeError(f"{len(ladder.levels)} levels, {len(ladder.conditions)} conditions")
        for level in ladder.levels:
            if isinstance(level, bool) or not isinstance(level, (int, float)):
                raise TypeError(f"level {level!r} is no number")
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
        text.encode()  # half a character, as JSON can spell it, cannot be written anywhere
