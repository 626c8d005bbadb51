"""What to call several runs of one network: by what they differ in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lqjax.workdir import Run


def count_runs(runs: Sequence[Run]) -> str:
    """Say how many runs there are, for example "5 seeds" or "3 learning rates x 5 seeds"."""
    counts = {
        "learning rates": len({run.model for run in runs}),
        "folds": len({run.fold for run in runs}),
        "seeds": len({run.seed for run in runs}),
    }
    parts = [f"{count} {name}" for name, count in counts.items() if count > 1]
    whole = math.prod(counts.values()) == len(runs)  # not where some have been trained before
    return (" x ".join(parts) if whole else f"{len(runs)} runs") or "1 run"
