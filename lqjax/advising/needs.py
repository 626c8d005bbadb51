"""What a user needs of a network: floors, ceilings, and what the images will look like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

CERTAINTY = 0.95
"""Probability below which the answer is "not decided"."""

NUMBERS = ("floor_accuracy", "ceiling_latency_ms", "ceiling_memory_mib", "certainty")
FLAGS = (*NUMBERS, "mixture")


@dataclass(frozen=True)
class Needs:
    """What is asked for; 0 and an empty mixture ask for nothing.

    Attributes:
      floor_accuracy: least expected accuracy under the mixture, a share in [0, 1).
      ceiling_latency_ms: longest median forward pass of one image, ms.
      ceiling_memory_mib: largest peak memory of the forward pass of one image, MiB (2^20 bytes).
      mixture: weights of conditions or patterns, as text ("clean=0.5,low_quality/jpeg@*=0.5") or
        by name; the degraded conditions alike if empty.
      certainty: probability from which a choice counts as decided, in [0.5, 1).
    """

    floor_accuracy: float = 0.0
    ceiling_latency_ms: float = 0.0
    ceiling_memory_mib: float = 0.0
    mixture: str | Mapping[str, float] = field(default="")
    certainty: float = CERTAINTY

    def __post_init__(self) -> None:
        """Refuse what cannot be asked for."""
        if not 0 <= self.floor_accuracy < 1:
            raise ValueError(
                f"floor_accuracy={self.floor_accuracy:g} is not possible; allowed: a share from 0"
                " to below 1, such as 0.9 for 90 %"
            )
        for name in ("ceiling_latency_ms", "ceiling_memory_mib"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}={value:g} is not possible; allowed: 0 (none) or more")
        if not 0.5 <= self.certainty < 1:
            raise ValueError(
                f"certainty={self.certainty:g} is not possible; allowed: 0.5 to below 1, such as"
                f" {CERTAINTY}"
            )


def needs_from_texts(texts: Mapping[str, str]) -> Needs:
    """Read needs from the flags of the command line, by name without dashes.

    Raises:
      ValueError: a value that is no number, or one that cannot be asked for.
    """
    found: dict[str, float] = {}
    for name in NUMBERS:
        if name in texts:
            try:
                found[name] = float(texts[name])
            except ValueError:
                raise ValueError(f"--{name}={texts[name]}: expected a number") from None
    return Needs(mixture=texts.get("mixture", ""), **found)  # type: ignore[arg-type]
