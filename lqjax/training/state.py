"""The training state: one plain nested dict of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from lqjax.config import Config
from lqjax.models.network import Network
from lqjax.named_arrays import filled
from lqjax.optim.base import OPTIMIZERS
from lqjax.optim.building import evaluation_params
from lqjax.runtime import replicated
from lqjax.training.measures import no_measures
from lqjax.typing import Tree

NOTHING_GIVEN: Mapping[str, np.ndarray] = MappingProxyType({})

WEIGHTS, AVERAGE = ("params", "stats"), "average"


def create_state(
    network: Network,
    optimizer: optax.GradientTransformation,
    config: Config,
    mesh: Mesh,
    given: Mapping[str, np.ndarray] = NOTHING_GIVEN,
) -> Tree:
    """Make the state before the first step, a copy on every device of the mesh.

    Args:
      given: parameters and statistics to start from, by name; others are drawn by the seed.

    Returns:
      `{"step": int32, "key": uint32, "params", "stats", "optimizer", "metrics"}`, and "average"
      where there is one: everything that a checkpoint has to hold.
    """
    make = _maker(network, optimizer, config)
    return jax.jit(make, out_shardings=replicated(mesh))(dict(given))


def abstract_state(
    network: Network, optimizer: optax.GradientTransformation, config: Config, mesh: Mesh
) -> Tree:
    """Describe the state (shapes, dtypes, shardings) without allocating it."""
    return with_sharding(jax.eval_shape(_maker(network, optimizer, config), {}), mesh)


def with_sharding(shapes: Tree, mesh: Mesh) -> Tree:
    """Say of every array that each device of the mesh shall hold a whole copy."""
    sharding = replicated(mesh)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes
    )


def evaluation_weights(state: Tree, config: Config) -> Tree:
    """Return the weights that are evaluated, `{"params", "stats"}`: averaged where asked for."""
    if AVERAGE in state:
        return state[AVERAGE]
    params = evaluation_params(config, state["optimizer"], state["params"])
    return {"params": params, "stats": state["stats"]}


def to_rest(state: Tree, config: Config) -> Tree:
    """Return what a checkpoint keeps beside the evaluated weights.

    `params` and `stats` stand in it only where they differ from the evaluated ones.
    """
    rest = {name: part for name, part in state.items() if name != AVERAGE}
    if evaluates_other_weights(config):
        return rest
    return {name: part for name, part in rest.items() if name not in WEIGHTS}


def from_items(model: Tree, rest: Tree, config: Config) -> Tree:
    """Put a state together again, from `evaluation_weights` and `to_rest` of it."""
    if config.training.ema_decay:
        return {**rest, AVERAGE: model}
    return {**model, **rest}  # the rest comes second: trained weights win over evaluated ones


def abstract_items(state: Tree, config: Config, mesh: Mesh) -> tuple[Tree, Tree]:
    """Describe the items of a state that `abstract_state` describes."""
    model, rest = jax.eval_shape(
        lambda state: (evaluation_weights(state, config), to_rest(state, config)), state
    )
    return with_sharding(model, mesh), with_sharding(rest, mesh)


def evaluates_other_weights(config: Config) -> bool:
    """Tell whether other weights are evaluated than are trained."""
    return config.training.ema_decay > 0 or OPTIMIZERS[config.optimizer.name].averages


def _maker(
    network: Network, optimizer: optax.GradientTransformation, config: Config
) -> Callable[[dict[str, jax.Array]], Tree]:
    def make(given: dict[str, jax.Array]) -> Tree:
        params, stats = (filled(tree, given) for tree in network.init(config.run.seed))
        state = {
            "step": jnp.zeros((), jnp.int32),
            "key": jax.random.key_data(jax.random.key(config.run.seed)),
            "params": params,
            "stats": stats,
            "optimizer": optimizer.init(params),
            "metrics": no_measures(),
        }
        if config.training.ema_decay:
            state[AVERAGE] = {"params": params, "stats": stats}
        return state

    return make
