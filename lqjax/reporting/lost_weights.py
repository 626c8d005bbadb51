"""Runs that were tested with another epoch than their best: its weights were lost."""

from __future__ import annotations

from lqjax.epochs import BEST, best_epoch
from lqjax.reporting.formatting import percent
from lqjax.reporting.study import Network, Study
from lqjax.reporting.tables import run_title
from lqjax.rows import Epoch
from lqjax.textlists import enumeration


def lost_weights(study: Study) -> str:
    """Name the runs, and both epochs of each; empty where all were tested as was asked for."""
    choices = {
        config.get("evaluation", {}).get("checkpoint", BEST) for config in study.configs.values()
    }
    listed = []
    for network in study.all_networks:
        tested = _tested(network)
        if tested is None:
            continue
        best, last = best_epoch(network.history), max(epoch.epoch for epoch in network.history)
        if tested.epoch == best.epoch or (tested.epoch == last and choices - {BEST}):
            continue
        listed.append(
            f"{run_title(study, network)} with epoch {tested.epoch} (validation"
            f" {percent(tested.validation_accuracy)} %), not its best, epoch {best.epoch}"
            f" ({percent(best.validation_accuracy)} %)"
        )
    if not listed:
        return ""
    return f"Tested with what was left, since weights were lost: {enumeration(listed)}."


def _tested(network: Network) -> Epoch | None:
    """Find the epoch that was tested; `None` where the rows, or the history, do not say."""
    numbers = {row.epoch for row in network.rows.values()}
    return next((epoch for epoch in network.history if epoch.epoch in numbers), None)
