"""Which run speaks for a network where costs are compared."""

from __future__ import annotations

from lqjax.reporting.study import Network, Study
from lqjax.rows import Cost


def measured_networks(study: Study) -> dict[str, Network]:
    """Give of each model the first run whose cost was measured: it has the most batch sizes.

    What a forward pass costs does not depend on the weights, only on what else the machine did.
    """
    found: dict[str, Network] = {}
    for network in study.all_networks:
        if network.cost is not None:
            found.setdefault(network.model, network)
    return found


def measured_costs(study: Study) -> dict[str, Cost]:
    """Give the cost of the `measured_networks` by model."""
    return {m: n.cost for m, n in measured_networks(study).items() if n.cost is not None}


def devices(study: Study) -> list[str]:
    """List the devices on which costs were measured, with the type they computed in."""
    costs = measured_costs(study).values()
    return list(dict.fromkeys(f"{cost.device}, {cost.dtype}" for cost in costs))
