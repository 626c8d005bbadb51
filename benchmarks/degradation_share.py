"""What degrading the batch adds to a training step of lqjax: one condition after the other.

Every step of the degraded side is degraded, and its turns go through the conditions in a circle;
before each of them comes a turn without. Which condition a step draws depends on the state's key
and the number of the step, and so each turn is given a number that draws the one whose turn it is:
the program is that of a training run with all conditions.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from training_sides import (
    CLASSES,
    Cell,
    config_of,
    network_of,
    our_side,
    our_state,
    our_steps,
    seconds,
    steps_of_a_turn,
)

from lqjax.config import Config, default_config
from lqjax.imaging.conditions import expand
from lqjax.training import degrading
from lqjax.training.scales import Scales
from lqjax.training.step import Update, make_preparation
from lqjax.typing import Tree

DEGRADATIONS = ("low_quality/*",)
NETWORKS = ("resnet50", "alexnet_one_tower")
"""Of the three that are compared the one with the longest step and the one with the shortest."""
SIDE = 28
"""In pixels, of the image on which is seen what a step draws; any would do."""
MOST_DRAWS = 10_000


@dataclass(frozen=True)
class Share:
    """What degrading the batch adds to a training step, relative to a step without.

    Attributes:
      plain: seconds of a step without, median over all rounds.
      added: condition -> seconds that it adds to a step, median over its rounds.
      cost: mean of `added` over `plain`, when every step is degraded.
      probability: share of the steps that a recipe degrades if it does not say otherwise.
      expected: `cost` times `probability`.
    """

    cell: Cell
    rounds: int
    plain: float
    added: dict[str, float]
    cost: float
    probability: float
    expected: float

    def __str__(self) -> str:
        cell = self.cell
        relative = {name: added / self.plain for name, added in self.added.items()}
        least, most = min(relative, key=relative.get), max(relative, key=relative.get)
        return (
            f"{cell.model} at {cell.size} px, batch {cell.batch}, {cell.dtype}: degrading every "
            f"step adds {self.cost:+.1%} to one of {self.plain:.3g} s (mean of {len(relative)} "
            f"conditions in {self.rounds} rounds: {relative[least]:+.1%} {least} to "
            f"{relative[most]:+.1%} {most}); with the probability of the recipes, "
            f"{self.probability:g}, {self.expected:+.1%}"
        )


def share_of_degradation(cell: Cell, rounds: int) -> Share:
    """Measure a training step with and without degradation as augmentation."""
    names = [condition.name for condition in expand(DEGRADATIONS)]
    plain, degraded = our_side(cell).train, degraded_side(cell, DEGRADATIONS)
    steps = steps_of_a_turn()
    without, added = differences(plain, degraded, names, rounds)
    return summarise(cell, rounds, without / steps, {n: s / steps for n, s in added.items()})


def summarise(cell: Cell, rounds: int, plain: float, added: dict[str, float]) -> Share:
    """Average over the conditions, each counting the same."""
    cost = statistics.mean(added.values()) / plain
    probability = default_config().augmentation.degradation_probability
    return Share(cell, rounds, plain, added, cost, probability, cost * probability)


def differences(
    plain: Callable[[], None], degraded: Callable[[], None], names: Sequence[str], rounds: int
) -> tuple[float, dict[str, float]]:
    """Time both sides in turn.

    Args:
      plain: one turn without.
      degraded: one turn with the condition that comes next, from the first to the last and over.
      rounds: how often each condition is timed, after one round that is not.

    Returns:
      Median seconds of a plain turn, and for each condition by how much its turns were longer
      than the plain ones before them, in the median.
    """
    without: list[float] = []
    longer: dict[str, list[float]] = {name: [] for name in names}
    for number in range(1 + rounds):
        for name in names:
            before, took = seconds(plain), seconds(degraded)
            if number:
                without.append(before)
                longer[name].append(took - before)
    added = {name: statistics.median(values) for name, values in longer.items()}
    return statistics.median(without), added


def degraded_side(cell: Cell, degradations: tuple[str, ...]) -> Callable[[], None]:
    """Build the turns that go through the conditions in a circle."""
    network, config = network_of(cell), config_of(cell, degradations)
    state = our_state(network, config)
    key = state["key"]
    numbers = jnp.asarray(steps_that_draw(key, config))
    run = our_steps(network, cell, config, lambda update: circling(update, numbers))
    held = [state]

    def turn() -> None:
        held[0], mean = run(held[0])
        mean.block_until_ready()

    return turn


def circling(update: Update, numbers: jax.Array) -> Update:
    """Let the steps of each turn draw as the next of certain steps would.

    Args:
      update: lqjax's step.
      numbers: of the steps whose draws are taken, (conditions,) int32.
    """

    def circled(state: Tree, *given: jax.Array) -> tuple[Tree, jax.Array]:
        done = state["step"]
        drawn = numbers[done // steps_of_a_turn() % len(numbers)]
        made, loss = update({**state, "step": drawn}, *given)
        return {**made, "step": done + 1}, loss

    return circled


def steps_that_draw(key: jax.Array, config: Config) -> np.ndarray:
    """Find for each condition the first step that draws it.

    Args:
      key: of the training state.

    Returns:
      (conditions,) int32, in the order of the conditions.

    Raises:
      RuntimeError: a condition was not drawn by any of `MOST_DRAWS` steps.
    """
    conditions = expand(config.augmentation.degradations)
    places = {condition.name: place for place, condition in enumerate(conditions)}

    def paint(condition, images, numbers, seed):  # as if degrading meant to write one's number
        return jnp.full_like(images, places[condition.name])

    scales = Scales(mean=jnp.zeros(1), std=jnp.ones(1), class_weights=jnp.ones(CLASSES))
    blank = jnp.zeros((1, SIDE, SIDE, 1), jnp.uint8), jnp.zeros(1, jnp.int32), jnp.zeros(1, int)
    with mock.patch.object(degrading, "apply_condition", paint):
        prepare = make_preparation(config.augmentation, CLASSES)

        @jax.jit
        def drawn(step: jax.Array) -> jax.Array:
            step_key = jax.random.fold_in(jax.random.wrap_key_data(key), step)
            return prepare(step_key, scales, *blank)["images"][0, 0, 0, 0]

        first: dict[int, int] = {}
        for step in range(MOST_DRAWS):
            first.setdefault(round(float(drawn(jnp.int32(step)))), step)
            if len(first) == len(conditions):
                return np.array([first[place] for place in range(len(conditions))], np.int32)
    raise RuntimeError(f"{MOST_DRAWS} steps draw only {len(first)} of {len(conditions)} conditions")
