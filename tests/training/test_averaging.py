"""The moving average against the rule of TensorFlow's ExponentialMovingAverage, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.training.averaging import moving_average
from lqjax.training.state import evaluation_weights
from tests.training.small import Small, assert_equal_trees, config, split
from tests.training.tiny import TinyNetwork


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.999])
def test_against_a_numpy_recursion(decay):
    values = np.random.default_rng(0).normal(size=(40, 3))
    found = {"w": jnp.asarray(values[0], jnp.float32)}
    expected = values[0]
    move = jax.jit(moving_average, static_argnums=3)
    for step, value in enumerate(values):
        found = move(found, {"w": jnp.asarray(value, jnp.float32)}, jnp.int32(step), decay)
        kept = min(decay, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * value
        np.testing.assert_allclose(found["w"], expected, rtol=1e-5, atol=1e-6)
    assert found["w"].dtype == jnp.float32


def test_what_does_not_move_stays_to_the_bit():
    tree = {"w": jnp.asarray(np.random.default_rng(0).normal(size=100), jnp.float32)}
    assert_equal_trees(moving_average(tree, tree, jnp.int32(3), 0.99), tree)


def test_the_average_is_what_is_evaluated():
    settings = config(training__ema_decay=0.9)
    _, _, state = Small(TinyNetwork(), settings, split()).run(2)
    weights = evaluation_weights(state, settings)
    assert_equal_trees(weights, state["average"])
    assert not np.array_equal(
        weights["params"]["head"]["kernel"], state["params"]["head"]["kernel"]
    )
    plain = Small(TinyNetwork(), config(), split()).start()
    assert "average" not in plain
    assert_equal_trees(evaluation_weights(plain, config())["params"], plain["params"])
