"""What is told to a user whose settings took the place of others that the recipe has."""

from __future__ import annotations

from typing import Any

from lqjax.config import Config
from lqjax.precedence import CHOSEN_FOR_ONE_RULE, LEARNING_RATE, LEARNING_RATES, RIVALS, value_at
from lqjax.textlists import enumeration

SET_BY_SMOKE = "training."
"""A smoke run sets these itself, for all networks."""

RECIPE, WORKDIR = "the recipe's", "the working directory's"
"""Whose settings they are that a user changes."""


def displaced(recipe: Config, chosen: Config, whose: str = RECIPE) -> list[str]:
    """Say in lines for the screen what the recipe has besides and does not hold.

    Args:
      recipe: settings before a user changed them.
      chosen: those after it, by `lqjax.precedence.changed`.
      whose: what to call the former; `WORKDIR` where a working directory is taken up.
    """
    found: dict[str, list[tuple[str, Any]]] = {}
    for network in chosen.model.names:
        own = chosen.overrides.get(network, {})
        for path, before in recipe.overrides.get(network, {}).items():
            told = path in own or _told_elsewhere(recipe, chosen, network, path)
            if not told and value_at(chosen, path) != before:
                found.setdefault(path, []).append((network, before))
    lines = []
    for path, pairs in found.items():
        networks, before = zip(*pairs, strict=True)
        shown = list(dict.fromkeys(map(_shown, before)))
        lines.append(
            f"{path}={_shown(value_at(chosen, path))} holds for {enumeration(networks)} too,"
            f" in place of {whose} {enumeration(shown)}"
        )
    for path, rival in RIVALS.items():
        before = value_at(recipe, rival)
        if before and not value_at(chosen, rival):
            lines.append(
                f"{path}={_shown(value_at(chosen, path))} takes the place of {whose}"
                f" {rival}={_shown(before)}"
            )
    return [*lines, *_left_behind(recipe, chosen, whose)]


def overruled(chosen: Config) -> list[str]:
    """Say in lines for the screen which settings of single networks are without effect.

    What a user gives so is refused (`lqjax.precedence.changed`); a recipe, or a working directory,
    may have it besides what the user gives.
    """
    rates = {
        network: fields[LEARNING_RATE]
        for network in chosen.model.names
        if LEARNING_RATE in (fields := chosen.overrides.get(network, {}))
    }
    if not rates or not chosen.run.learning_rates:
        return []
    own = list(dict.fromkeys(map(_shown, rates.values())))
    return [
        f"{LEARNING_RATES}={_shown(chosen.run.learning_rates)} holds for {enumeration([*rates])}"
        f" too: {LEARNING_RATE}={enumeration(own)} of their own is without effect"
    ]


def _told_elsewhere(recipe: Config, chosen: Config, network: str, path: str) -> bool:
    if path == LEARNING_RATE and chosen.run.learning_rates:
        return True  # every network gets each of them, and the screen says so
    if path.startswith(SET_BY_SMOKE) and chosen.run.smoke:
        return True
    name = path.removeprefix("optimizer.")
    return name in _lost(recipe.for_model(network), chosen.for_model(network))


def _lost(before: Config, after: Config) -> list[str]:
    """List what a network does not have any more since it has another optimiser."""
    if before.optimizer.name == after.optimizer.name:
        return []
    published = Config().optimizer
    return [
        name
        for name in CHOSEN_FOR_ONE_RULE
        if getattr(before.optimizer, name) != getattr(published, name)
        and getattr(after.optimizer, name) == getattr(published, name)
    ]


def _left_behind(recipe: Config, chosen: Config, whose: str) -> list[str]:
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for network in chosen.model.names:
        before, after = recipe.for_model(network), chosen.for_model(network)
        if lost := _lost(before, after):
            key = (before.optimizer.name, after.optimizer.name, tuple(lost))
            found.setdefault(key, []).append(network)
    return [
        f"optimizer.name={after}: {whose} {enumeration(lost)} for {enumeration(networks)}"
        f" {'was' if len(lost) == 1 else 'were'} chosen"
        f" for {before}; what is not given is as published for {after}"
        for (before, after, lost), networks in found.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_shown, value)) or "nothing"
    return f"{value:g}" if isinstance(value, float) else str(value)
