"""Conditions whose noise, blur and compression are those measured: degradations like these."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lqjax.auditing.flags import SIZE, values_of
from lqjax.auditing.table import AuditTable

MIDDLE, WORSE = 50, 90
"""Percentiles of the pictures, from good to bad."""

LEVELS = {MIDDLE: "median", WORSE: "90th percentile"}

LEAST_NOISE = 1 / 255
"""One level of eight bits; less is no noise to speak of."""

LEAST_BLUR = 0.3
"""px; a narrower Gaussian leaves 99 % of the light where it was."""

BEST_QUALITY = 95
"""From there on JPEG changes hardly anything. Source: Pillow's documentation of `quality`."""

MOST_SCALING = 2.0
"""Factor between file and network input up to which the blocks of JPEG are still blocks."""

REACH = 3.0
"""Sigmas to which the kernel of a Gaussian reaches to either side."""

LARGEST_KERNEL = 127
"""px; as `gaussian_blur` allows."""

COLOUR = 3
NOISE_IN_LUMA = 0.669
"""Of independent noise in red, green and blue: the root of the sum of the squared weights of luma.

Source: ITU-R BT.601."""


@dataclass(frozen=True)
class Likeness:
    """The conditions of one percentile.

    Attributes:
      level: "median" or "90th percentile".
      steps: condition by what was measured: "blur", "noise", "compression".
    """

    level: str
    steps: dict[str, str]

    @property
    def chain(self) -> str:
        """All of it on one picture, in the order in which it happens: lens, sensor, file."""
        return "|".join(self.steps.values())


@dataclass(frozen=True)
class Likenesses:
    """What the pictures of a data set would be degraded with.

    Attributes:
      levels: the median and the 90th percentile, where there is something to degrade with.
      notes: what was left out, and why, a sentence each.
    """

    levels: tuple[Likeness, ...]
    notes: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Each condition once: single ones first, then all at once."""
        single = [step for level in self.levels for step in level.steps.values()]
        return tuple(dict.fromkeys([*single, *(level.chain for level in self.levels)]))

    def text(self) -> str:
        """Write the file that `evaluation.conditions=@FILE` reads."""
        lines = ["# Measured at the network's input: degradations like those of these pictures."]
        for level in self.levels:
            lines += [f"# {level.level}", *level.steps.values()]
            lines += [level.chain] if len(level.steps) > 1 else []
        if not self.levels:
            lines.append("# Too little noise, blur and compression to degrade with.")
        return "\n".join([*lines, *(f"# {note}" for note in self.notes)]) + "\n"


def degradations_like(table: AuditTable, image_size: int, channels: int = 0) -> Likenesses:
    """Turn the measured noise, blur and JPEG quality into conditions of the grid.

    Noise is measured in luma, and the grid's is drawn for each channel: in colour it is the one
    that leaves as much in luma.

    Args:
      table: measured pictures.
      image_size: side of the network's input in px.
      channels: of the network's input, 1 or 3; 0 as the pictures have them.
    """
    notes = []
    quality = values_of(table, "jpeg_quality")
    scaling = _scaling(table, image_size)
    if np.isfinite(quality).any() and not 1 / MOST_SCALING <= scaling <= MOST_SCALING:
        notes.append(
            f"The files' JPEG quality is left out: at the network's input of {image_size} px their"
            f" pictures have {scaling:.2g} times their size, and the blocks with them."
        )
        quality = np.full(len(table), np.nan)
    blur, noise = (values_of(table, f"input_{kind}_sigma") for kind in ("blur", "noise"))
    if (channels or _most(values_of(table, "channels"))) == COLOUR:
        noise = noise / NOISE_IN_LUMA
    found = [
        Likeness(name, dict(_steps(_percentile(blur, share), _percentile(noise, share),
                                   _percentile(quality, 100 - share))))
        for share, name in LEVELS.items()
    ]  # fmt: skip
    return Likenesses(tuple(level for level in found if level.steps), tuple(notes))


def _steps(blur: float, noise: float, quality: float) -> Iterator[tuple[str, str]]:
    if blur >= LEAST_BLUR:
        size = min(2 * math.ceil(REACH * blur) + 1, LARGEST_KERNEL)
        yield "blur", f"gaussian_blur(kernel_size={size},sigma={blur:.2g})"
    if noise >= LEAST_NOISE:
        yield "noise", f"gaussian_noise(sigma={noise:.2g})"
    if quality < BEST_QUALITY:
        yield "compression", f"jpeg(quality={round(quality)})"


def _percentile(values: np.ndarray, share: int) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, share)) if known.size else math.nan


def _most(values: np.ndarray) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else math.nan


def _scaling(table: AuditTable, image_size: int) -> float:
    """Return by how much the middle picture is enlarged for the network."""
    middle = _percentile(values_of(table, SIZE), MIDDLE)
    return image_size / middle if middle else math.nan
