"""The training loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import optax

from lqjax.config import TrainingConfig
from lqjax.training.class_weights import BY_RARITY, EVEN, parse_class_weights
from lqjax.training.focal import focal_factors
from lqjax.training.material import BALANCED
from lqjax.typing import Logits

FOCAL = "focal"

Loss = Callable[[Logits, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
"""(logits (batch, classes), targets (batch, classes) with rows that sum to 1, weights of the
classes (classes,)) -> (losses (batch,) in nats, weights (batch,)); the loss of a batch is their
weighted mean."""


def check_loss(settings: TrainingConfig, class_names: Sequence[str]) -> None:
    """Refuse settings that do not fit the classes of the data, before training.

    Raises:
      ValueError: as `parse_class_weights`; or rare classes are made up for twice.
    """
    if settings.class_weights == BY_RARITY and settings.sampling == BALANCED:
        raise ValueError(
            "training.sampling=balanced and training.class_weights=auto both make up for rare"
            " classes, which would count too much; set one of them to shuffled, or to none"
        )
    if settings.class_weights not in (EVEN, BY_RARITY):
        parse_class_weights(settings.class_weights, class_names)


def make_loss(settings: TrainingConfig) -> Loss:
    """Build the loss per example: cross-entropy or focal, smoothed and weighted as set.

    With class weights w, targets y and smoothed targets s the loss of a batch is
    sum_b sum_c w_c s_bc l_bc / sum_b sum_c w_c y_bc, with l = -log p, for the focal loss times
    (1 - p) ** gamma. An example weighs what its targets weigh, sum_c w_c y_bc. For labels this is
    the mean that PyTorch takes; for mixed targets the sum above the line is PyTorch's, which
    then divides by the number of examples (the same without class weights, and under `auto`
    on average). The weights w are those of `lqjax.training.class_weights`; without, `none`, they
    are not looked at.

    Source: smoothing: Szegedy et al., "Rethinking the Inception architecture", 2016, section 7;
    focal: Lin et al., "Focal loss for dense object detection", 2017.
    """
    weighted = settings.class_weights != EVEN

    def loss(
        logits: Logits, targets: jax.Array, class_weights: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        terms = -jax.nn.log_softmax(logits)
        if settings.loss == FOCAL:
            terms = terms * focal_factors(-terms, settings.focal_gamma)
        smoothed = optax.smooth_labels(targets, settings.label_smoothing)
        if not weighted:
            return (smoothed * terms).sum(1), jnp.ones(len(logits), logits.dtype)
        weight = class_weights.astype(logits.dtype)[None]
        weights = (weight * targets).sum(1)
        return (weight * smoothed * terms).sum(1) / weights, weights

    return loss
