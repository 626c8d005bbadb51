"""A suite on the user's own picture, as one figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lqjax.data.pictures import is_grey, open_picture, to_pixels
from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.degrade import degrade
from lqjax.reporting.contact_sheet import Shown, contact_sheet
from lqjax.reporting.style import DPI, figure_style

LARGEST_SIDE = 224
"""px; larger pictures are brought down to it unless a size is asked for."""

PAGE = "#ffffff"


def draw_gallery(
    picture: str | Path,
    output: str | Path,
    conditions: str = "low_quality/*",
    size: int = 0,
    seed: int = 0,
) -> Path:
    """Draw a picture under conditions: degradations in rows, levels in columns.

    Args:
      picture: image file; its largest centred square is shown.
      output: PNG, SVG or PDF file to write.
      conditions: conditions and patterns, separated by commas.
      size: side of the square in px, at which the degradations work; 0 for the picture's own, at
        most `LARGEST_SIDE`.
      seed: of the random draws.

    Raises:
      ValueError: a file that is no usable picture, or an impossible condition.
    """
    wanted = [condition for condition in expand(conditions) if condition.steps]
    if not wanted:
        raise ValueError(f"{conditions!r} degrades nothing; write for example low_quality/*")
    target = Path(output)
    if target.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{target}: write the figure to a .png, .svg or .pdf file")
    clean = read_square(Path(picture), size)
    suites = {condition.steps[0].suite for condition in wanted}
    shown = [
        Shown(
            degrade(clean, condition.name, seed=seed),
            _row(condition) if len(suites) == 1 else condition.family,
            condition.level,
        )
        for condition in wanted
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    with figure_style():
        contact_sheet(clean, shown).savefig(target, dpi=DPI, facecolor=PAGE)
    return target


def read_square(path: Path, size: int) -> np.ndarray:
    """Read the largest centred square of a picture.

    Returns:
      uint8, (side, side, 1 or 3).

    Raises:
      ValueError: not a usable picture; the message names the file.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give --input an image file")
    try:
        opened = open_picture(str(path), size or LARGEST_SIDE)
        side = size or min(*opened.size, LARGEST_SIDE)
        return to_pixels(opened, side, 1 if is_grey(opened) else 3)
    except Exception as error:  # decoders raise anything on a damaged file
        raise ValueError(
            f"{path}: not a usable picture ({' '.join(str(error).split())})"
        ) from error


def _row(condition: Condition) -> str:
    head, _, tail = condition.family.partition("|")
    name = head.rpartition("/")[2].replace("_", " ")
    return f"{name}|{tail}" if tail else name
