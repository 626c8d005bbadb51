"""The curvature of the loss, estimated from one backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lqjax.typing import Labels, Logits, Tree

DRAWING_SEED = 0


class GaussNewtonState(NamedTuple):
    """How many estimates were made; the labels of each are drawn from that number."""

    made: jax.Array


def draw_labels(logits: Logits, number: jax.Array | int) -> Labels:
    """Draw one label per example, (batch,), from the distribution that the logits describe."""
    key = jax.random.fold_in(jax.random.key(DRAWING_SEED), number)
    return jax.random.categorical(key, logits)


def gauss_newton_diagonal() -> optax.GradientTransformationExtraArgs:
    """Estimate the diagonal of the Gauss-Newton matrix of the mean cross-entropy.

    With labels drawn from the network's own predictions the squared gradient of the mean loss,
    times the number of examples, has that diagonal as its mean. It needs first derivatives only,
    so that layers with a backward pass of their own may be used (Hutchinson's estimator
    differentiates twice). Batch normalisation couples the examples; this is neglected, as it is
    wherever the estimator is used with it. That mean is the same for any number of examples, so
    that a part of the batch does; estimates from fewer scatter more.

    Returns:
      A transformation whose update takes `logits_of`, a function from params to the logits of
      some examples, (examples, classes), and gives the diagonal in place of the gradients.

    Source: Liu et al., "Sophia", 2023, algorithm 2 (Gauss-Newton-Bartlett).
    """

    def init(params: Tree) -> GaussNewtonState:
        return GaussNewtonState(jnp.zeros((), jnp.int32))

    def update(
        updates: Tree,
        state: GaussNewtonState,
        params: Tree | None = None,
        *,
        logits_of: Callable[[Tree], Logits] | None = None,
        **_: Any,
    ) -> tuple[Tree, GaussNewtonState]:
        if logits_of is None:
            raise TypeError("sophia needs optimizer.update(..., logits_of=params -> logits)")

        def drawn_loss(params: Tree) -> tuple[jax.Array, int]:
            logits = logits_of(params)
            labels = draw_labels(jax.lax.stop_gradient(logits), state.made)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return losses.mean(), len(logits)

        (_, examples), gradients = jax.value_and_grad(drawn_loss, has_aux=True)(params)
        diagonal = jax.tree.map(lambda gradient: examples * gradient**2, gradients)
        return diagonal, GaussNewtonState(state.made + 1)

    return optax.GradientTransformationExtraArgs(init, update)
