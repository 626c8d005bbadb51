"""The training step: a pure function from state and batch to the next state and the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lqjax.augmentations.base import augment, mix
from lqjax.config import AugmentationConfig, Config
from lqjax.imaging.conditions import expand
from lqjax.imaging.levels import from_levels
from lqjax.models.network import Network
from lqjax.training.accumulation import accumulate, first_part
from lqjax.training.averaging import moving_average
from lqjax.training.degrading import random_degradation
from lqjax.training.loss import Loss
from lqjax.training.measures import add_measures
from lqjax.training.scales import Scales
from lqjax.training.stages import Stages
from lqjax.training.state import AVERAGE
from lqjax.typing import Tree

AUGMENT_STREAM, DEGRADE_STREAM, MODEL_STREAM, MIX_STREAM = 0, 1, 2, 3

WEIGHTS = "weights"

Prepare = Callable[..., Tree]
"""(key, scales, uint8 images, labels, numbers, weights or `None`) -> {"images", "targets"}, of the
same batch, and "weights" where there are some."""

Update = Callable[..., tuple[Tree, jax.Array]]
"""(state, factor, scales, images, labels, numbers, weights or `None`) -> (state, loss)."""


def make_update(
    network: Network,
    optimizer: optax.GradientTransformationExtraArgs,
    config: Config,
    prepare: Prepare,
    loss: Loss,
    stages: Stages = Stages(),  # noqa: B008 (it cannot be changed)
) -> Update:
    """Build one step: augment, degrade, mix, normalise, forward, backward, update.

    All randomness comes from the key of the state and the step's number, so that a run can be
    taken up at any step. Sums over the batch are over the whole of it, on whatever devices its
    parts lie: XLA adds the reductions that the sharding needs.

    Args:
      prepare: from `make_preparation`.
      loss: from `lqjax.training.loss.make_loss`.

    Returns:
      `(state, factor, scales, images, labels, numbers, weights) -> (state, loss)`: `factor`
      multiplies the update (1 but for the plateau schedule), images are uint8, `loss` is the mean
      of this batch: where its examples have weights, their weighted mean.
    """
    gradients_of = _make_gradients(network, loss, config.training.accumulation, stages)

    def update(
        state: Tree,
        factor: jax.Array,
        scales: Scales,
        images: jax.Array,
        labels: jax.Array,
        numbers: jax.Array,
        weights: jax.Array | None = None,
    ) -> tuple[Tree, jax.Array]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state["key"]), state["step"])
        inputs = prepare(key, scales, images, labels, numbers, weights)
        model_key = jax.random.fold_in(key, MODEL_STREAM)
        total = _total_weight(loss, inputs, scales.class_weights)
        gradients, (stats, outputs) = gradients_of(
            state, inputs, model_key, scales.class_weights, total
        )
        logits, losses, counted = outputs
        share = first_part(inputs["images"], config.training.accumulation)
        logits_of = _make_logits(network, state, share, model_key, stages)
        made = {
            **state,
            "step": state["step"] + 1,
            **_moved(optimizer, state, gradients, factor, logits_of, stages),
            "stats": stats,
            "metrics": add_measures(state["metrics"], logits, labels, losses),
        }
        if AVERAGE in state:
            made[AVERAGE] = _averaged(state, made, config.training.ema_decay, stages)
        return made, (counted * losses).sum() / total

    return update


def _make_gradients(network: Network, loss: Loss, parts: int, stages: Stages) -> Callable[..., Any]:
    """Build the backward pass of a batch, in one or more parts.

    It ends at the lowest layer that is trained: gradients are of what is trained only.

    Returns:
      `(state, inputs, key, class weights, total) -> (gradients, (stats, (logits, losses,
      weights)))`, the gradients of the losses' weighted sum over `total`.
    """

    def gradients_of(
        state: Tree, inputs: Tree, key: jax.Array, class_weights: jax.Array, total: jax.Array
    ) -> Any:
        modes = stages.modes(state["step"])

        def part(stats: Tree, share: Tree, number: jax.Array) -> Any:
            part_key = jax.random.fold_in(key, number) if parts > 1 else key

            def summed(trained: Tree) -> Any:
                params = {**state["params"], **trained}
                logits, new = network.apply(
                    params, stats, share["images"], train=modes, key=part_key
                )
                losses, weights = _losses(loss, logits, share, class_weights)
                return (weights * losses).sum() / total, (new, (logits, losses, weights))

            return jax.grad(summed, has_aux=True)(stages.trained(state["params"]))

        return accumulate(part, state["stats"], inputs, parts)

    return gradients_of


def _make_logits(
    network: Network, state: Tree, images: jax.Array, key: jax.Array, stages: Stages
) -> Callable[[Tree], jax.Array]:
    """Build params -> logits of a batch, for update rules that look at the network again."""

    def logits_of(trained: Tree) -> jax.Array:
        params, modes = {**state["params"], **trained}, stages.modes(state["step"])
        return network.apply(params, state["stats"], images, train=modes, key=key)[0]

    return logits_of


def _moved(
    optimizer: optax.GradientTransformationExtraArgs,
    state: Tree,
    gradients: Tree,
    factor: jax.Array,
    logits_of: Callable[[Tree], jax.Array],
    stages: Stages,
) -> Tree:
    """Move the parameters by `factor` times what the optimizer makes of the gradients.

    Returns:
      The parts of the state that change: `params` and `optimizer`.
    """
    trained = stages.trained(state["params"])
    updates, optimizer_state = optimizer.update(
        gradients, state["optimizer"], trained, step=state["step"], logits_of=logits_of
    )
    updates = jax.tree.map(lambda change: change * factor.astype(change.dtype), updates)
    params = {**state["params"], **optax.apply_updates(trained, updates)}
    return {"params": params, "optimizer": optimizer_state}


def _averaged(state: Tree, made: Tree, decay: float, stages: Stages) -> Tree:
    """Move the averages of what is trained; the rest is its own average."""
    old, new = (
        {part: stages.trained(tree[part]) for part in ("params", "stats")}
        for tree in (state[AVERAGE], made)
    )
    moved = moving_average(old, new, state["step"], decay)
    return {part: {**state[AVERAGE][part], **moved[part]} for part in moved}


def _losses(
    loss: Loss, logits: jax.Array, inputs: Tree, class_weights: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Give the loss of each example, and how much it counts."""
    losses, weights = loss(logits, inputs["targets"], class_weights)
    return losses, weights * inputs[WEIGHTS] if WEIGHTS in inputs else weights


def _total_weight(loss: Loss, inputs: Tree, class_weights: jax.Array) -> jax.Array:
    """Sum the weights of a batch, which do not depend on the logits."""
    return _losses(loss, jnp.zeros_like(inputs["targets"]), inputs, class_weights)[1].sum()


def make_preparation(settings: AugmentationConfig, num_classes: int) -> Prepare:
    """Build what happens to a batch before the network sees it: augment, degrade, mix, normalise.

    Weights of the examples go the way of their targets: what is mixed of two examples counts as
    much as its parts do together, and its targets are the classes' shares of that.

    The compiler divides by the standard deviation as it did by a constant: it takes the inverse
    of the few numbers, and multiplies each pixel with it.
    """
    degrade = None
    if settings.degradations:
        degrade = random_degradation(
            expand(settings.degradations), settings.degradation_probability
        )

    def prepare(
        key: jax.Array,
        scales: Scales,
        images: jax.Array,
        labels: jax.Array,
        numbers: jax.Array,
        weights: jax.Array | None = None,
    ) -> dict[str, jax.Array]:
        inputs = from_levels(images)
        inputs = augment(jax.random.fold_in(key, AUGMENT_STREAM), inputs, settings)
        inputs = inputs.astype(jnp.float32)  # with 64-bit numbers enabled, draws are wider
        if degrade is not None:
            inputs = degrade(jax.random.fold_in(key, DEGRADE_STREAM), inputs, numbers)
        targets = jax.nn.one_hot(labels, num_classes)  # as exact as the default float
        if weights is not None:
            targets = targets * weights.astype(targets.dtype)[:, None]
        inputs, targets = mix(jax.random.fold_in(key, MIX_STREAM), inputs, targets, settings)
        mean, std = (values.reshape(1, 1, 1, -1) for values in (scales.mean, scales.std))
        made = {"images": (inputs - mean) / std, "targets": targets}
        if weights is None:
            return made
        whole = targets.sum(1)
        return {**made, "targets": targets / whole[:, None], WEIGHTS: whole}

    return prepare
