"""Which runs of a network one compiled program can serve."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from lqjax.config import Config
from lqjax.optim.base import OPTIMIZERS
from lqjax.variants import network_of
from lqjax.workdir import Run


def programs(
    config: Config, runs: Sequence[Run], say: Callable[[str], None]
) -> Iterator[tuple[Config, list[Run]]]:
    """Group runs of one network that differ in no more than a factor of their updates.

    Runs of several learning rates share a program, to which each gives its factor. Not so with an
    optimiser that averages the weights by the rates so far: its state holds the rate itself.

    Args:
      config: settings of all networks.
      runs: those of one network, by learning rate.
      say: prints a line.

    Yields:
      The settings that a program is made from, and its runs.
    """
    network = network_of(runs[0].model)
    shared = config.for_model(network)
    if not OPTIMIZERS[shared.optimizer.name].averages:
        yield shared, list(runs)
        return
    names = {run.model for run in runs}
    if len(names) > 1:
        say(
            f"{network}: {len(names)} learning rates in turn ({shared.optimizer.name} keeps the"
            " rate in its state)"
        )
    for name, found in itertools.groupby(runs, key=lambda run: run.model):
        yield config.for_model(name), list(found)
