"""The two limits of an operating envelope: points below the clean accuracy, and a floor."""

from __future__ import annotations

from collections.abc import Sequence

from lqjax.metrics.envelope import Envelope, operating_envelope
from lqjax.metrics.ladder import Ladder
from lqjax.metrics.ladder_accuracies import LadderAccuracies

DROP = 0.05
"""Five percentage points of accuracy: the loss that ends the envelope where no other is set."""


def envelope_to_drop(
    ladder: Ladder,
    accuracies: LadderAccuracies,
    drop: float = DROP,
    psnr: Sequence[float | None] | None = None,
) -> Envelope:
    """Find the severity at which a model has lost `drop` of accuracy against clean images.

    The clean accuracy is that of the same images, drawn again with them.

    Args:
      ladder: at least nine levels.
      accuracies: of one model, as `ladder_accuracies` gives them.
      drop: a share in (0, 1): 0.05 for five percentage points.
      psnr: mean PSNR of each level in dB; `None` for a level that changes no image.

    Raises:
      ValueError: a drop out of range, or shapes that do not fit.
    """
    if not 0 < drop < 1:
        raise ValueError(f"drop={drop} is not possible; allowed: 0 < drop < 1, 0.05 for 5 points")
    clean, levels, resampled_clean, resampled_levels = accuracies
    return operating_envelope(
        ladder, levels, clean - drop, resampled_levels, resampled_clean - drop, psnr
    )


def envelope_to_floor(
    ladder: Ladder,
    accuracies: LadderAccuracies,
    floor: float,
    psnr: Sequence[float | None] | None = None,
) -> Envelope:
    """Find the severity down to which a model's accuracy stays above `floor`.

    Args:
      ladder, accuracies, psnr: as in `envelope_to_drop`.
      floor: an accuracy in (0, 1): 0.9 for 90 %.

    Raises:
      ValueError: a floor out of range, or shapes that do not fit.
    """
    if not 0 < floor < 1:
        raise ValueError(f"floor={floor} is not possible; allowed: 0 < floor < 1, 0.9 for 90 %")
    return operating_envelope(
        ladder, accuracies.levels, floor, accuracies.resampled_levels, None, psnr
    )
