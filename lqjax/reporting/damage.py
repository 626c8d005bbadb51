"""What a condition does to the test images, whatever the network."""

from __future__ import annotations

from typing import Literal

import numpy as np

from lqjax.reporting.study import Study


def mean_damage(study: Study, condition: str, measure: Literal["psnr", "ssim"]) -> float | None:
    """Return the mean PSNR (dB) or SSIM of a condition; with folds, the mean over them.

    Returns:
      `None` where no run has it: no image is changed (PSNR), or predictions of other code.
    """
    by_fold = {
        network.fold: (value, row.n)
        for network in study.all_networks
        if (row := network.rows.get(condition)) is not None
        and (value := getattr(row, measure)) is not None
    }
    if not by_fold:
        return None
    values, weights = zip(*by_fold.values(), strict=True)
    return float(np.average(values, weights=weights))
