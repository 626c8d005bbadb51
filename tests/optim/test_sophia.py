"""Sophia: the estimate against the exact Gauss-Newton diagonal, the rule against its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jax.sharding import NamedSharding, PartitionSpec

from lqjax.optim.building import build_optimizer
from lqjax.optim.gauss_newton import draw_labels, gauss_newton_diagonal
from lqjax.runtime import make_mesh
from tests.optim.running import config

EXAMPLES, INPUTS, CLASSES = 16, 5, 3
RATE, DECAY, BETA1, BETA2, EPSILON = 0.02, 0.03, 0.9, 0.8, 1e-12
STEPS = 25
RHO, CLIP, INTERVAL = 0.04, 1.0, 10  # as the authors' SophiaG has them


def problem():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(EXAMPLES, INPUTS))
    labels = generator.integers(0, CLASSES, EXAMPLES)
    return inputs, labels, generator.normal(size=(INPUTS + 1, CLASSES)) / 2


def params_of(kernel, bias):
    kernel, bias = (jnp.asarray(value, jnp.float32) for value in (kernel, bias))
    return {"dense": {"kernel": kernel, "bias": bias}}


def logits_of(inputs):
    inputs = jnp.asarray(inputs, jnp.float32)

    def logits(params):
        dense = params["dense"]
        return jnp.matmul(inputs, dense["kernel"], precision="highest") + dense["bias"][None]

    return logits


def with_ones(inputs):
    """Append the input of the bias, whose values are the last row of the weights."""
    return np.hstack([inputs, np.ones((EXAMPLES, 1))])


def gradient_of_mean(inputs, labels, weights):
    errors = scipy.special.softmax(inputs @ weights, axis=1) - np.eye(CLASSES)[labels]
    return inputs.T @ errors / EXAMPLES


def test_the_mean_of_the_estimates_is_the_gauss_newton_diagonal():
    """For softmax regression it is mean_b p_bc (1 - p_bc) x_bj ** 2."""
    inputs, _, weights = problem()
    estimator = gauss_newton_diagonal()
    params, count = params_of(weights[:-1], weights[-1]), 4000

    def estimate(state, _):
        diagonal, state = estimator.update(None, state, params, logits_of=logits_of(inputs))
        return state, jnp.vstack([diagonal["dense"]["kernel"], diagonal["dense"]["bias"][None]])

    estimates = jax.lax.scan(estimate, estimator.init(params), None, count)[1]
    estimates = np.asarray(estimates, np.float64)
    inputs = with_ones(inputs)
    p = scipy.special.softmax(inputs @ weights, axis=1)
    wanted = (inputs**2).T @ (p * (1 - p)) / EXAMPLES
    error = estimates.std(0) / np.sqrt(count)
    assert (np.abs(estimates.mean(0) - wanted) < 5 * error).all()
    assert (error < 0.05 * wanted).all()  # the bound above is not an empty one


def formula(drawn):
    inputs, labels, w = problem()
    inputs, decay = with_ones(inputs), DECAY * (np.arange(INPUTS + 1) < INPUTS)[:, None]
    m, h = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, STEPS + 1):
        g = gradient_of_mean(inputs, labels, w)
        m = BETA1 * m + (1 - BETA1) * g
        ratio = m / (1 - BETA1**t) / np.maximum(RHO * h, EPSILON)
        if (t - 1) % INTERVAL == 0:
            estimate = gradient_of_mean(inputs, drawn(inputs @ w, (t - 1) // INTERVAL), w)
            h = BETA2 * h + (1 - BETA2) * EXAMPLES * estimate**2
        w = w - RATE * (np.clip(ratio, -CLIP, CLIP) + decay * w)
    return w


SETTINGS = {
    "optimizer__name": "sophia",
    "optimizer__learning_rate": RATE,
    "optimizer__weight_decay": DECAY,
    "optimizer__beta1": BETA1,
    "optimizer__beta2": BETA2,
    "optimizer__epsilon": EPSILON,
}


def trained(devices=1, **more):
    inputs, labels, weights = problem()
    optimizer = build_optimizer(config(**SETTINGS, **more), lambda step: RATE)
    mesh = make_mesh(devices)
    whole = NamedSharding(mesh, PartitionSpec())
    inputs, labels = jax.device_put(
        (jnp.asarray(inputs, jnp.float32), jnp.asarray(labels)),
        NamedSharding(mesh, PartitionSpec(mesh.axis_names[0])),
    )

    @jax.jit
    def step(params, state, inputs, labels):
        def loss(params):
            chosen = jax.nn.one_hot(labels, CLASSES)
            return -(chosen * jax.nn.log_softmax(logits_of(inputs)(params))).sum(1).mean()

        updates, state = optimizer.update(
            jax.grad(loss)(params), state, params, logits_of=logits_of(inputs)
        )
        return jax.tree.map(jnp.add, params, updates), state

    params = jax.device_put(params_of(weights[:-1], weights[-1]), whole)
    state = jax.device_put(jax.jit(optimizer.init)(params), whole)
    for _ in range(STEPS):
        params, state = step(params, state, inputs, labels)
    return np.vstack([params["dense"]["kernel"], params["dense"]["bias"]]).astype(np.float64)


@pytest.mark.parametrize("clip", [0, 1e9])
def test_twenty_five_steps(clip):
    drawn = lambda logits, number: np.asarray(  # noqa: E731
        draw_labels(jnp.asarray(logits, jnp.float32), number)
    )
    wanted = formula(drawn)
    np.testing.assert_allclose(trained(optimizer__gradient_clip=clip), wanted, atol=2e-5)
    unseen = formula(lambda logits, number: np.zeros(EXAMPLES, int))
    assert np.abs(wanted - unseen).max() > 1e-3  # the curvature matters here


def test_the_same_on_eight_devices():
    np.testing.assert_allclose(trained(8), trained(1), atol=1e-5)


def test_labels_are_drawn_anew_for_every_estimate():
    logits = jnp.zeros((64, 4))
    assert (draw_labels(logits, 0) != draw_labels(logits, 1)).any()


def test_without_logits_it_says_what_is_missing():
    optimizer = build_optimizer(config(optimizer__name="sophia"), lambda step: RATE)
    params = params_of(np.ones((2, 2)), np.ones(2))
    with pytest.raises(TypeError, match="logits_of"):
        optimizer.update(params, optimizer.init(params), params)
