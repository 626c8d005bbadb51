"""Run an optimiser of lqjax over given gradients, and the same problem for the references."""

import jax
import jax.numpy as jnp
import numpy as np

from lqjax.config import Config
from lqjax.optim.building import build_optimizer, build_schedule
from lqjax.overriding import override_all

STEPS = 30
SHAPES = {"kernel": (3, 4), "bias": (4,)}


def config(**settings):
    """Make settings: `config(optimizer__name="adam")`; the schedule is constant unless given."""
    wanted = {"schedule__name": "constant", **settings}
    given = [(path.replace("__", "."), str(value)) for path, value in wanted.items()]
    return override_all(Config(), given)


def start():
    """Draw the first parameters, {name: float64 array}."""
    generator = np.random.default_rng(1)
    return {name: generator.normal(size=shape) for name, shape in SHAPES.items()}


def gradients(steps=STEPS):
    """Draw gradients that change in size and sign from step to step."""
    generator = np.random.default_rng(2)
    return [
        {name: generator.normal(size=shape) * (1 + step % 3) for name, shape in SHAPES.items()}
        for step in range(steps)
    ]


def run(settings, given, steps_per_epoch=10, factor=1.0):
    """Return parameters and state after the gradients, {name: float64 array} and optax state."""
    schedule = build_schedule(settings, len(given), steps_per_epoch)
    optimizer = build_optimizer(settings, schedule)

    @jax.jit
    def step(params, state, gradient):
        updates, state = optimizer.update(gradient, state, params)
        return jax.tree.map(lambda p, u: p + factor * u, params, updates), state

    params = {"dense": {name: jnp.asarray(value, jnp.float32) for name, value in start().items()}}
    state = jax.jit(optimizer.init)(params)
    for gradient in given:
        gradient = {name: jnp.asarray(value, jnp.float32) for name, value in gradient.items()}
        params, state = step(params, state, {"dense": gradient})
    return {name: np.asarray(value, np.float64) for name, value in params["dense"].items()}, state
