"""What the networks cost as CSV: one row a run, a batch size, a layer."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from etils import epath

from lqjax.reporting.cost_summary import measured_networks
from lqjax.reporting.study import Study
from lqjax.reporting.target_accuracy import images_to, target_accuracy
from lqjax.rows import Cost, write_csv


@dataclass(frozen=True)
class RunCost(Cost):
    """The cost of a run, and what only the comparison knows.

    Attributes:
      target_accuracy: share of the validation images; `None` without a history.
      images_to_target: training images up to there; `None` where it was not reached.
    """

    target_accuracy: float | None = None
    images_to_target: int | None = None


def write_cost_files(study: Study, folder: epath.Path) -> None:
    """Write `costs.csv`, `throughput.csv` and `layers.csv`, each where there is something in it.

    Models are called as in the report.
    """
    target = target_accuracy(study)
    costs = [
        RunCost(
            **{**dataclasses.asdict(network.cost), "model": network.model},
            target_accuracy=target,
            images_to_target=images_to(network, target),
        )
        for network in study.all_networks
        if network.cost is not None
    ]
    throughputs = [
        dataclasses.replace(found, model=network.model)
        for network in study.all_networks
        for found in network.throughputs
    ]
    layers = [
        dataclasses.replace(layer, model=model)
        for model, network in measured_networks(study).items()
        for layer in network.layers
    ]
    for name, records in (("costs", costs), ("throughput", throughputs), ("layers", layers)):
        if records:
            write_csv(records, folder / f"{name}.csv")
