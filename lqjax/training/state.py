"""The training state: one plain nested dict of arrays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from lqjax.models.network import Network
from lqjax.runtime import replicated
from lqjax.typing import Tree


def create_state(
    network: Network, optimizer: optax.GradientTransformation, seed: int, mesh: Mesh
) -> Tree:
    """Make the state before the first step, a copy on every device of the mesh.

    Returns:
      `{"step": int32, "params": ..., "stats": ..., "optimizer": ...}`; everything that a
      checkpoint has to hold.
    """
    params, stats = network.init(seed)
    state = {"step": jnp.zeros((), jnp.int32), "params": params, "stats": stats}
    state["optimizer"] = jax.jit(optimizer.init)(params)
    return jax.device_put(state, replicated(mesh))


def abstract_state(network: Network, optimizer: optax.GradientTransformation, mesh: Mesh) -> Tree:
    """Describe the state (shapes, dtypes, shardings) without allocating it."""
    params, stats = network.shapes()
    state = {
        "step": jax.ShapeDtypeStruct((), jnp.int32),
        "params": params,
        "stats": stats,
        "optimizer": jax.eval_shape(optimizer.init, params),
    }
    return with_sharding(state, mesh)


def with_sharding(shapes: Tree, mesh: Mesh) -> Tree:
    """Say of every array that each device of the mesh shall hold a whole copy."""
    sharding = replicated(mesh)
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes
    )
