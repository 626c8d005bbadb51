"""The pictures of a folder: which there are, and how they are read in batches of one shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lqjax.data.pictures import SUFFIXES, is_grey, open_picture, to_eight_bit, to_pixels
from lqjax.imaging.conditions import Condition

BATCH_PIXELS = 64 * 224 * 224
"""Pixels degraded at a time."""

WHOLE = 1 << 14
"""Sides up to this are decoded in full."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture and where it comes from.

    Attributes:
      name: path from the folder.
      stem: the same for the output, without ending; from `stems_of`.
      pixels: uint8, (height, width, 1 or 3).
    """

    name: str
    stem: str
    pixels: np.ndarray


def list_pictures(root: Path, output: Path | None = None) -> list[str]:
    """List the pictures below a folder, sorted: their paths from there.

    Raises:
      ValueError: no such folder, no pictures, or `output` inside it.
    """
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; give --input a folder of pictures")
    if output is not None and output.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{output} lies inside {root}; write to a folder outside the pictures")
    found = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and (path.is_file() or (path.is_symlink() and not path.exists()))  # which is told
    ]
    if not found:
        raise ValueError(f"{root}: no pictures in it ({', '.join(SUFFIXES)})")
    return found


def stems_of(names: Sequence[str]) -> dict[str, str]:
    """Give each file its output name without ending; `a.jpg` beside `a.png` keeps both endings."""
    stems = {name: name[: -len(Path(name).suffix)] for name in names}
    while True:
        counts = Counter(stem.lower() for stem in stems.values())
        clashing = [n for n, stem in stems.items() if counts[stem.lower()] > 1 and stem != n]
        if not clashing:
            return stems
        stems.update({name: name for name in clashing})


def shape_batches(
    root: Path,
    names: Sequence[str],
    stems: dict[str, str],
    size: int,
    conditions: Sequence[Condition],
    skipped: list[tuple[str, str]],
    pool: ThreadPoolExecutor,
) -> Iterator[list[Picture]]:
    """Decode pictures and hand out those of one shape together, so many pixels at a time.

    Args:
      stems: from `stems_of`.
      size: side in px to which pictures are cut and resized; 0 keeps their own size.
      conditions: a picture that is too small for one of them is not used.
      skipped: is given (file, reason) of every unusable picture.
    """
    waiting: dict[tuple[int, ...], list[Picture]] = {}
    step = 256
    for start in range(0, len(names), step):
        part = names[start : start + step]
        for name, pixels in zip(part, pool.map(lambda n: _read(root / n, size), part), strict=True):
            pixels = pixels if isinstance(pixels, str) else _large_enough(pixels, conditions)
            if isinstance(pixels, str):
                skipped.append((name, pixels))
                continue
            group = waiting.setdefault(pixels.shape, [])
            group.append(Picture(name, stems[name], pixels))
            if sum(picture.pixels[..., 0].size for picture in group) >= BATCH_PIXELS:
                yield waiting.pop(pixels.shape)
    yield from waiting.values()


def _large_enough(pixels: np.ndarray, conditions: Sequence[Condition]) -> np.ndarray | str:
    """Return the picture, or a text that says for which operation it is too small."""
    for condition in conditions:
        for step in condition.steps:
            if min(pixels.shape[:2]) < step.operation.minimum_size:
                return f"{step.operation.name} needs {step.operation.minimum_size} px"
    return pixels


def _read(path: Path, size: int) -> np.ndarray | str:
    """Decode a picture; a text says why it cannot be used."""
    try:
        picture = open_picture(str(path), size or WHOLE)
        channels = 1 if is_grey(picture) else 3
        if size:
            return to_pixels(picture, size, channels)
        pixels = np.asarray(to_eight_bit(picture).convert("L" if channels == 1 else "RGB"))
        return pixels[..., None] if channels == 1 else pixels
    except Exception as error:  # decoders raise anything on a damaged file
        return " ".join(str(error).split()) or type(error).__name__
