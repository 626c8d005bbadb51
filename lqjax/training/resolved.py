"""What settings that were left open came to: the published values, and the stem that was chosen.

Settings keep "as published" and "auto". What these stand for may change from version to version;
a run keeps what they were when it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lqjax.config import Config
from lqjax.models.network import Network
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.building import resolve
from lqjax.workdir import Run

NOT_USED = "not used"
"""In place of a value that nothing takes any more."""


def resolved_stem(network: Network) -> dict[str, Any]:
    """Give the stem that a network was built with."""
    return {"model.stem": network.stem}


def resolved_settings(config: Config, network: Network) -> dict[str, Any]:
    """Give stem and optimiser by the names of their settings, published values included."""
    settings = resolve(config.optimizer)
    used = ("name", *OPTIMIZERS[settings.name].published)
    optimizer = {f"optimizer.{name}": getattr(settings, name) for name in used}
    return {**resolved_stem(network), **optimizer}


def check_resolved(run: Run, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other values than a run began with; what no record has is free.

    Args:
      run: its folder, for the message.
      before, now: what the record has, and some or all of what would be used.

    Raises:
      ValueError: a value is another one.
    """
    for name, value in now.items():
        if name in before and before[name] != value:
            raise ValueError(
                f"{run.root} was trained with {name}={before[name]}, and the same settings come to"
                f" {name}={value} now; use another workdir, or the lqjax of its environment.json"
            )
