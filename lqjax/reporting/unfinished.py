"""What was planned and has not been tested: a run that was cut off is no whole study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lqjax.reporting.plans import Plan
from lqjax.reporting.study import Network, Study
from lqjax.textlists import enumeration

MOST_NAMED = 6
"""Missing conditions, models or seeds that a sentence names."""


@dataclass(frozen=True)
class Shortfall:
    """How much of one kind of thing was tested.

    Attributes:
      what: "models", "seeds", "folds" or "conditions".
      missing: names of what is not there, or not there for each run.
      planned: how many there are to be.
      titles: working directories whose settings ask for it.
    """

    what: str
    missing: tuple[str, ...]
    planned: int
    titles: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in few words: "3 of 5 seeds"."""
        return f"{self.planned - len(self.missing)} of {self.planned} {self.what}"


def unfinished(study: Study) -> str:
    """Say that planned models, folds or conditions are missing; else empty. No full stop.

    Missing seeds alone are no reason to name no winner: what is said is about the runs there are.
    """
    found = shortfalls(study)
    return _said(found) if any(one.what != SEEDS for one in found) else ""


def still_to_do(study: Study) -> str:
    """Name all that is missing, and how to go on; empty where nothing is."""
    found = shortfalls(study)
    if not found:
        return ""
    places = dict(zip(study.configs, study.given.workdirs, strict=False))
    titles = dict.fromkeys(title for one in found for title in one.titles)
    where = " and ".join(f"--workdir={places.get(title, title)}" for title in titles)
    named = "; ".join(f"{one.what}: {_named(one.missing)}" for one in found)
    return f"{_said(found)} (missing {named}). The same command goes on ({where})."


MODELS, SEEDS, FOLDS, CONDITIONS = "models", "seeds", "folds", "conditions"


def shortfalls(study: Study) -> tuple[Shortfall, ...]:
    """Compare what the settings of all working directories ask for with the rows there are.

    What another directory of the same report has, under the same name, is there. A run that
    diverged among several learning rates is over: it misses nothing. Predictions of other code
    have no plan.
    """
    found = (_models, _seeds, _folds, _conditions)
    return tuple(one for measure in found if (one := measure(study)).missing)


def _said(found: Sequence[Shortfall]) -> str:
    return f"Unfinished: {enumeration([str(one) for one in found])} have been tested"


def _named(missing: Sequence[str]) -> str:
    more = len(missing) - MOST_NAMED
    return enumeration([*missing[:MOST_NAMED], *([f"{more:,} more"] if more > 0 else [])])


def _models(study: Study) -> Shortfall:
    over = {ended.model for ended in study.diverged}
    wanted = {model: plan.title for plan in study.plans for model in plan.models}
    missing = [model for model in wanted if model not in study.networks and model not in over]
    return Shortfall(
        MODELS, tuple(missing), len(wanted), _titles(wanted[model] for model in missing)
    )


def _seeds(study: Study) -> Shortfall:
    there = {(run.model, run.seed) for run in study.all_networks}
    there |= {(ended.model, ended.seed) for ended in study.diverged}
    wanted = dict.fromkeys(seed for plan in study.plans for seed in plan.seeds)
    missing = {
        (seed, plan.title)
        for plan in study.plans
        for model in plan.models
        for seed in plan.seeds
        if model in study.networks and (model, seed) not in there
    }
    seeds = sorted({seed for seed, _ in missing})
    return Shortfall(
        SEEDS, tuple(map(str, seeds)), len(wanted), _titles(title for _, title in sorted(missing))
    )


def _folds(study: Study) -> Shortfall:
    there: dict[tuple[str, int], set[int]] = {}
    for run in study.all_networks:
        there.setdefault((run.model, run.seed), set()).add(run.fold)
    for ended in study.diverged:
        there.setdefault((ended.model, ended.seed), set()).add(ended.fold)
    missing = {
        (fold, plan.title)
        for plan in study.plans
        for (model, seed), folds in there.items()
        if model in plan.models and seed in plan.seeds
        for fold in set(range(plan.folds)) - folds
    }
    folds = sorted({fold for fold, _ in missing})
    planned = max((plan.folds for plan in study.plans), default=1)
    return Shortfall(
        FOLDS, tuple(map(str, folds)), planned, _titles(title for _, title in sorted(missing))
    )


def _conditions(study: Study) -> Shortfall:
    wanted = dict.fromkeys(name for plan in study.plans for name in plan.conditions)
    missing = {
        name: plan.title
        for plan in study.plans
        for run in _runs_of(study, plan)
        for name in plan.conditions
        if name not in run.rows
    }
    names = [name for name in wanted if name in missing]
    return Shortfall(CONDITIONS, tuple(names), len(wanted), _titles(missing[n] for n in names))


def _runs_of(study: Study, plan: Plan) -> Iterator[Network]:
    for model in plan.models:
        for run in study.networks.get(model, ()):
            if run.seed in plan.seeds:
                yield run


def _titles(titles: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(titles))
