"""What the settings of a working directory ask for: networks, seeds, folds and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lqjax.reporting.planned_conditions import planned_conditions
from lqjax.variants import variant
from lqjax.workdir import Workdir


@dataclass(frozen=True)
class Plan:
    """What one working directory is for.

    Attributes:
      title: name of the directory.
      models: by the names that they have in the report.
      folds: 1 where there is no cross-validation.
    """

    title: str
    models: tuple[str, ...]
    seeds: tuple[int, ...]
    folds: int
    conditions: tuple[str, ...]


def read_plans(
    workdirs: Sequence[Workdir],
    configs: Mapping[str, Mapping[str, Any]],
    names: Mapping[tuple[str, str], str],
) -> tuple[Plan, ...]:
    """Read what each working directory is for; one without settings, or odd ones, has no plan.

    Args:
      configs: per directory, in the order of `workdirs`.
      names: what (directory, model) is called in the report, of all runs that are there.
    """
    found = []
    for workdir, (title, config) in zip(workdirs, configs.items(), strict=True):
        models = tuple(names.get((title, model), model) for model in _models(config))
        asked = _texts(_of(config, "evaluation", "conditions"))
        conditions = planned_conditions(workdir, asked)
        found.append(Plan(title, models, _seeds(config), _folds(config), conditions))
    return tuple(plan for plan in found if plan.models)


def _models(config: Mapping[str, Any]) -> Iterator[str]:
    rates = _of(config, "run", "learning_rates")
    known = [rate for rate in rates if _is_number(rate)] if isinstance(rates, list) else []
    for network in _texts(_of(config, "model", "names")):
        yield from (variant(network, rate) for rate in known) if known else (network,)


def _seeds(config: Mapping[str, Any]) -> tuple[int, ...]:
    seeds = _of(config, "run", "seeds")
    listed = seeds if isinstance(seeds, list) and seeds else [_of(config, "run", "seed")]
    return tuple(seed for seed in listed if isinstance(seed, int))


def _folds(config: Mapping[str, Any]) -> int:
    folds = _of(config, "data", "folds")
    return max(folds, 1) if isinstance(folds, int) else 1


def _of(config: Mapping[str, Any], group: str, field: str) -> Any:
    """Look a setting up; `None` where there is none, whatever else a file may hold."""
    found = config.get(group)
    return found.get(field) if isinstance(found, dict) else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
