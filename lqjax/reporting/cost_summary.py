"""Which run speaks for a network where costs are compared."""

from __future__ import annotations

from statistics import median_low

from lqjax.reporting.study import Network, Study
from lqjax.rows import Cost


def measured_networks(study: Study) -> dict[str, Network]:
    """Give of each model the first run whose cost was measured: it has the most batch sizes."""
    found: dict[str, Network] = {}
    for network in study.all_networks:
        if network.cost is not None:
            found.setdefault(network.model, network)
    return found


def measured_costs(study: Study) -> dict[str, Cost]:
    """Give of each model the cost of the run whose latency is the median of its runs.

    What a forward pass costs does not depend on the weights, only on what else the machine did:
    one run that was measured beside other work must not speak for all. Of two runs it is the
    faster; runs on another device than the first are left out.
    """
    found = {}
    for model, first in measured_networks(study).items():
        costs = [run.cost for run in study.networks[model] if run.cost is not None]
        alike = [cost for cost in costs if first.cost and cost.device == first.cost.device]
        middle = median_low(cost.latency_ms for cost in alike)
        found[model] = next(cost for cost in alike if cost.latency_ms == middle)
    return found


def devices(study: Study) -> list[str]:
    """List the devices on which costs were measured, with the type they computed in."""
    costs = measured_costs(study).values()
    return list(dict.fromkeys(f"{cost.device}, {cost.dtype}" for cost in costs))
