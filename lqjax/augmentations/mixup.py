"""Mixup: weighted means of two examples."""

from __future__ import annotations

import jax

from lqjax.augmentations.base import MIXINGS, Mixing, Targets
from lqjax.augmentations.pairing import partners
from lqjax.config import AugmentationConfig
from lqjax.typing import Images


def mixup(
    key: jax.Array, images: Images, targets: Targets, settings: AugmentationConfig
) -> tuple[Images, Targets]:
    """Replace each example by lambda times itself and 1 - lambda times its partner.

    Lambda is drawn from Beta(`mixup`, `mixup`) for every example (the authors' code draws one for
    the batch).

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    kept = jax.random.beta(key, settings.mixup, settings.mixup, (len(images),))
    return _weigh(images, kept[:, None, None, None]), _weigh(targets, kept[:, None])


def _weigh(batch: jax.Array, kept: jax.Array) -> jax.Array:
    return kept * batch + (1 - kept) * partners(batch)


MIXINGS.add("mixup", Mixing(lambda s: s.mixup > 0, mixup))
