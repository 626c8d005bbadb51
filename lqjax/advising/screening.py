"""Which networks can be taken at all, and why the others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lqjax.advising.mixture import Mixture
from lqjax.advising.needs import Needs
from lqjax.reporting.cost_summary import measured_costs
from lqjax.reporting.formatting import significant
from lqjax.reporting.study import Study

MIB = 2**20
"""Bytes."""


@dataclass(frozen=True)
class Price:
    """What a forward pass of one image costs; `None` where it was not measured.

    Attributes:
      latency_ms: median of the run that stands for the network in the report.
      memory_mib: peak memory.
      devices: where it was measured.
    """

    latency_ms: float | None
    memory_mib: float | None
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Exclusion:
    """A network that is not admissible.

    Attributes:
      reasons: each a half sentence.
      tested: whether it was tested under the whole mixture, so that it could be compared.
    """

    model: str
    reasons: tuple[str, ...]
    tested: bool


def prices(study: Study) -> dict[str, Price]:
    """Read what each model costs, as the report has it."""
    found, measured = {}, measured_costs(study)
    for model in study.models:
        cost = measured.get(model)
        if cost is None:
            found[model] = Price(None, None, ())
            continue
        memory = None if cost.memory_bytes is None else cost.memory_bytes / MIB
        found[model] = Price(cost.latency_ms, memory, (cost.device,))
    return found


def screen(study: Study, mixture: Mixture, needs: Needs) -> list[Exclusion]:
    """Name the models that cannot be taken: not tested under the mixture, or too costly."""
    found = []
    for model, price in prices(study).items():
        untested = _untested(study, model, mixture)
        ceilings = (
            ("latency", price.latency_ms, needs.ceiling_latency_ms, "ms"),
            ("memory", price.memory_mib, needs.ceiling_memory_mib, "MiB"),
        )
        reasons = [_untested_reason(untested)] if untested else []
        reasons += [text for ceiling in ceilings if (text := _too_costly(*ceiling))]
        if reasons:
            found.append(Exclusion(model, tuple(reasons), not untested))
    return found


def _untested(study: Study, model: str, mixture: Mixture) -> list[str]:
    conditions = {c.name: c for c in study.conditions}
    return [name for name in mixture.shares if not study.finished(model, conditions[name])]


def _untested_reason(untested: Sequence[str]) -> str:
    more = f" and {len(untested) - 1} more of the mixture" if len(untested) > 1 else ""
    return f"it was not tested under {untested[0]}{more}"


def _too_costly(what: str, value: float | None, ceiling: float, unit: str) -> str:
    if not ceiling:
        return ""
    if value is None:
        return f"its {what} was not measured (ceiling {significant(ceiling)} {unit})"
    if value > ceiling:
        return f"its {what} is {significant(value)} {unit} (ceiling {significant(ceiling)} {unit})"
    return ""
