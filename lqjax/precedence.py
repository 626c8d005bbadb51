"""What a user says for a run goes before what its recipe says, for all networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lqjax.config import Config
from lqjax.settings import replace_at

CHOSEN_FOR_ONE_RULE = (
    *("learning_rate", "momentum", "nesterov", "beta1", "beta2", "epsilon", "weight_decay"),
    "scale_with_batch",
)
"""Settings of the optimiser whose values mean nothing to another one."""

LEARNING_RATE, LEARNING_RATES = "optimizer.learning_rate", "run.learning_rates"
STEP_EPOCHS, STEP_FRACTIONS = "schedule.step_epochs", "schedule.step_fractions"
RIVALS = {
    STEP_EPOCHS: STEP_FRACTIONS,
    LEARNING_RATE: LEARNING_RATES,
    "run.seed": "run.seeds",
}
"""What is on the right goes before what is on the left, wherever there is any; so whoever gives the
left one alone means to be without it."""

Fields = Mapping[str, Any]
"""Values by the dotted path of their setting."""


def changed(config: Config, shared: Fields, own: Mapping[str, Fields]) -> Config:
    """Change settings for all networks and for single ones, whatever the recipe says of them.

    A value for all networks takes the place of the recipe's overrides of that setting; a value for
    one network goes before both. The order in which they are given does not matter. A network that
    gets another optimiser leaves the recipe's values for its former one behind: what is not given
    is what the recipe has for the new one for all networks, otherwise as published.

    Args:
      config: what the recipe says.
      shared: values for all networks.
      own: values for single networks, by name.

    Raises:
      ValueError: unknown setting or impossible value, or one that would be without effect.
    """
    shared = {**{rival: () for path, rival in RIVALS.items() if path in shared}, **shared}
    made = dataclasses.replace(config, overrides={})
    for path, value in shared.items():
        made = replace_at(made, path, value)
    _refuse_two_rates(made.run.learning_rates, shared, own)
    overrides = {
        network: {path: value for path, value in fields.items() if path not in shared}
        for network, fields in config.overrides.items()
    }
    for network, fields in own.items():
        kept = overrides.setdefault(network, {})
        kept.update(fields)
        if STEP_EPOCHS in fields and STEP_FRACTIONS not in fields:
            _say(made, kept, STEP_FRACTIONS, ())
    made = _as_published(config, made, overrides, shared, own)
    # In one order, so that several processes write the same file whatever theirs was.
    ordered = {n: dict(sorted(fields.items())) for n, fields in sorted(overrides.items()) if fields}
    return dataclasses.replace(made, overrides=ordered)


def _refuse_two_rates(rates: tuple[float, ...], shared: Fields, own: Mapping[str, Fields]) -> None:
    """Refuse a rate that is given beside several, for all networks or for one of them."""
    if not rates:
        return
    each = f"{LEARNING_RATES}={_numbers(*rates)} trains every network with each of these"
    if LEARNING_RATE in shared:  # they would be gone if it was given alone
        raise ValueError(
            f"{LEARNING_RATE}={_numbers(shared[LEARNING_RATE])} would be without effect: {each};"
            " give one of the two"
        )
    for network, fields in own.items():
        if LEARNING_RATE in fields:
            raise ValueError(
                f"overrides.{network}.{LEARNING_RATE}={_numbers(fields[LEARNING_RATE])} would be"
                f" without effect: {each}; leave the override out, or give an empty"
                f" {LEARNING_RATES} for one rate a network"
            )


def _numbers(*values: float) -> str:
    return ",".join(f"{value:g}" for value in values)


def value_at(config: Config, path: str) -> Any:
    """Return the value of one setting by its dotted path, overrides left out."""
    group, _, name = path.partition(".")
    return getattr(getattr(config, group), name)


def _say(config: Config, overrides: dict[str, Any], path: str, value: Any) -> None:
    """Let a network have a value, by an override only where the others have another one."""
    overrides.pop(path, None)
    if value_at(config, path) != value:
        overrides[path] = value


def _as_published(
    before: Config,
    made: Config,
    overrides: dict[str, dict[str, Any]],
    shared: Fields,
    own: Mapping[str, Fields],
) -> Config:
    """Set back what was chosen for another optimiser; `overrides` are changed in place."""
    paths = [f"optimizer.{name}" for name in CHOSEN_FOR_ONE_RULE]
    base = made
    if made.optimizer.name != before.optimizer.name:
        for path in paths:
            if path not in shared:
                base = replace_at(base, path, value_at(Config(), path))
    for network, fields in overrides.items():
        old, new = before.for_model(network), fields.get("optimizer.name", made.optimizer.name)
        # The recipe may have chosen values for this optimiser: for the network, or for all.
        chosen = next((c for c in (old, before) if c.optimizer.name == new), Config())
        for path in paths:
            if path in shared or path in own.get(network, {}):
                continue
            wanted = value_at(chosen, path)
            if fields.get(path, value_at(base, path)) != wanted:
                _say(base, fields, path, wanted)
    return base
