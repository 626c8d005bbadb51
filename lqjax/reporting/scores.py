"""Where the scores of a network are kept, for what predicted classes alone do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Scores(Protocol):
    """Scores that are read when they are asked for; a `Run` is one.

    With many classes those of all conditions together would not fit the memory.
    """

    def logits(self, condition: str) -> np.ndarray:
        """Read the scores of a finished condition whose row has a loss: (examples, classes)."""
        ...

    def validation(self) -> Mapping[str, np.ndarray] | None:
        """Read `labels` and `logits` of the validation images; `None` where none are kept."""
        ...
