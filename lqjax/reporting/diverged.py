"""Learning rates of which a run diverged: named, and not judged."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.reporting.study import Study
from lqjax.rows import Divergence
from lqjax.textlists import enumeration


def diverged(study: Study) -> str:
    """Name the runs that diverged, and when; empty where none did."""
    if not study.diverged:
        return ""
    listed = enumeration([_named(study, found) for found in study.diverged])
    return (
        f"Diverged (loss or scores became infinite or NaN): {listed}. A learning rate of which a"
        " run diverged takes no part in the verdict."
    )


def incomplete(study: Study, chosen: Sequence[str]) -> str:
    """Name the models of which some runs diverged and others are judged; else empty. No full stop.

    Args:
      chosen: those between which the verdict decides.
    """
    models = [m for m in dict.fromkeys(d.model for d in study.diverged) if m in chosen]
    if not models:
        return ""
    parts = [
        f"{sum(d.model == model for d in study.diverged)} of"
        f" {len(study.networks[model]) + sum(d.model == model for d in study.diverged)} runs of"
        f" {model}"
        for model in models
    ]
    return f"Diverged: {enumeration(parts)}, and those that are left were the lucky ones"


def _named(study: Study, found: Divergence) -> str:
    seeds = {run.seed for run in study.all_networks} | {ended.seed for ended in study.diverged}
    which = [f"seed {found.seed}"] if len(seeds) > 1 else []
    which += [f"fold {found.fold}"] if study.folds > 1 else []
    return f"{found.model}{f' ({enumeration(which)})' if which else ''} {found.where}"
