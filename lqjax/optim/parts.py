"""Parts of a network that are trained at rates of their own, from steps of their own on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lqjax.typing import Tree

MakeRule = Callable[[optax.Schedule], optax.GradientTransformation]
"""Rate by step -> update rule."""


@dataclass(frozen=True)
class Part:
    """Parameters that are trained alike.

    Attributes:
      name: what the state of its rule is called.
      layers: top-level names of its parameters.
      factor: what the learning rate is multiplied by.
      first_step: the step that first moves them.
    """

    name: str
    layers: tuple[str, ...]
    factor: float = 1.0
    first_step: int = 0

    def of(self, tree: Tree) -> Tree:
        """Pick what belongs to this part."""
        return {layer: tree[layer] for layer in self.layers}

    def schedule(self, whole: optax.Schedule) -> optax.Schedule:
        """Give the rates of this part, whose rule counts from its first step on."""
        if self.factor == 1.0 and not self.first_step:
            return whole
        return lambda count: self.factor * whole(count + self.first_step)

    def held(self, step: jax.Array, tree: Tree, otherwise: Tree) -> Tree:
        """Return a tree from the first step on, and the other one before."""
        if not self.first_step:
            return tree
        return jax.tree.map(
            lambda new, old: jnp.where(step >= self.first_step, new, old), tree, otherwise
        )


def by_parts(
    make_rule: MakeRule, schedule: optax.Schedule, parts: Sequence[Part]
) -> optax.GradientTransformationExtraArgs:
    """Give each part a rule of its own, whose moments and counts begin where its training does.

    Every rule moves in proportion to its learning rate, weight decay included, so that a factor of
    the rate is one of the update. What belongs to no part has no state, and no update.

    Returns:
      A transformation whose update takes the gradients of the parts, the state, the parameters
      of the parts, `step` (int32, from 0), and what the rules take.
    """
    rules = {
        part: optax.with_extra_args_support(make_rule(part.schedule(schedule))) for part in parts
    }

    def init(params: Tree) -> Tree:
        return {part.name: rule.init(part.of(params)) for part, rule in rules.items()}

    def update(
        updates: Tree,
        state: Tree,
        params: Tree | None = None,
        *,
        step: jax.Array,
        logits_of: Callable[[Tree], jax.Array] | None = None,
        **extra: Any,
    ) -> tuple[Tree, Tree]:
        if params is None:
            raise TypeError("parts need optimizer.update(gradients, state, params, step=...)")
        moved: dict[str, Any] = {}
        states: dict[str, Any] = {}
        for part, rule in rules.items():
            before, given = state[part.name], part.of(updates)
            if logits_of is not None:
                whole = logits_of
                extra["logits_of"] = lambda own: whole({**params, **own})  # noqa: B023 (at once)
            made, after = rule.update(given, before, part.of(params), **extra)
            moved.update(part.held(step, made, jax.tree.map(jnp.zeros_like, made)))
            states[part.name] = part.held(step, after, before)
        return moved, states

    return optax.GradientTransformationExtraArgs(init, update)


def only_open(parts: Sequence[Part]) -> optax.GradientTransformationExtraArgs:
    """Put zeros in the place of the gradients of parts that are not trained yet."""

    def update(
        updates: Tree, state: Any, params: Tree | None = None, *, step: jax.Array, **_: Any
    ) -> tuple[Tree, Any]:
        made: dict[str, Any] = {}
        for part in parts:
            own = part.of(updates)
            made.update(part.held(step, own, jax.tree.map(jnp.zeros_like, own)))
        return made, state

    return optax.GradientTransformationExtraArgs(lambda _: optax.EmptyState(), update)
