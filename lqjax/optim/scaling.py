"""A learning rate that grows with the batch."""

from __future__ import annotations

import math

from lqjax.config import OptimizerConfig


def batch_factor(settings: OptimizerConfig, batch_size: int) -> float:
    """Compute what the rate is multiplied by for a batch other than `base_batch`.

    Source: linear, for SGD: Goyal et al., "Accurate, large minibatch SGD", 2017; square root, for
    Adam and its kin: You et al., "Large batch optimization for deep learning", 2020 (LAMB), and
    Malladi et al., "On the SDEs and scaling rules for adaptive gradient algorithms", 2022 (whose
    rule changes the betas and epsilon as well; here they stay).

    >>> batch_factor(OptimizerConfig(scale_with_batch="sqrt", base_batch=256), 1024)
    2.0
    """
    ratio = batch_size / settings.base_batch
    return {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[settings.scale_with_batch]
