"""Test images that a working directory keeps for the report, where the data may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from etils import epath

from lqjax.array_files import read_arrays
from lqjax.damaged import damaged
from lqjax.workdir import Workdir

GALLERY_TEXTS = ("conditions", "labels", "captions")
CONFIDENCES = ("confidences", "others_confidences")
MEASURES = ("psnr", "ssim")

GALLERY_RANK, MISTAKES_RANK = 5, 4
"""Height, width and channel, behind the number of the picture; in the gallery that of the condition
comes before it."""

TEXTS = ("models", "others", "conditions", "labels", "ids", "true", "given", "others_given")
"""What is written about each mistake, beside the picture and two numbers."""


@dataclass(frozen=True)
class Gallery:
    """Degraded examples: images uint8 (conditions, examples, height, width, channels).

    Attributes:
      labels, captions: per condition its name for people, per example its class.
      psnr, ssim: against the clean image, (conditions, examples); `None` where not measured.
    """

    images: np.ndarray
    labels: tuple[str, ...]
    captions: tuple[str, ...]
    psnr: np.ndarray | None = None
    ssim: np.ndarray | None = None


@dataclass(frozen=True)
class Mistake:
    """A confident wrong answer.

    Attributes:
      image: what the network saw, uint8, (height, width, 1 or 3).
      model, given, confidence: who answered what, and how surely (0 to 1).
      other, other_given, other_confidence: what the other model said; no name, no other.
      condition, label: the condition, and its name for people.
      example, true: id and class of the image.
      seed, fold: the run of the model that answered.
      source: the working directory that it lies in; empty where the report is of one.
    """

    image: np.ndarray
    model: str
    other: str
    condition: str
    label: str
    example: str
    true: str
    given: str
    other_given: str
    confidence: float
    other_confidence: float
    seed: int = 0
    fold: int = 0
    source: str = ""

    @property
    def heading(self) -> str:
        """Name what it is shown with: the condition and, of several, the working directory."""
        return f"{self.source}: {self.label}" if self.source else self.label


def who_withholds(
    workdirs: Sequence[Workdir], configs: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """Name the working directories by which no test image may be shown; none where all may be.

    All are of the same test images, so that one that forbids does so for all. One whose settings
    are not kept does not allow what nobody can ask it.

    Args:
      configs: by title of the directory, in their order.
    """
    forbids = [t for t, config in configs.items() if config and not _may_be_shown(config)]
    silent = [title for title, config in configs.items() if not config]
    kept = any(path.exists() for w in workdirs for path in (w.gallery, w.mistakes))
    return tuple(t for t in configs if t in forbids or (t in silent and kept))


def read_gallery(workdirs: Sequence[Workdir]) -> tuple[Gallery | None, list[str]]:
    """Read the first gallery there is, and its conditions in the order of their evaluation."""
    path = next((w.gallery for w in workdirs if w.gallery.exists()), None)
    if path is None:
        return None, []
    arrays = read_arrays(path, _repair(path))
    _check(path, arrays, GALLERY_RANK, GALLERY_TEXTS)
    conditions, examples = arrays["images"].shape[:2]
    lengths = [arrays[name].size for name in GALLERY_TEXTS]
    pairs = {arrays[name].shape for name in MEASURES if name in arrays} | {(conditions, examples)}
    if lengths != [conditions, conditions, examples] or len(pairs) > 1:
        raise damaged(path, "arrays of different lengths", _repair(path))
    texts = {k: [str(v) for v in arrays[k]] for k in GALLERY_TEXTS}
    gallery = Gallery(
        arrays["images"],
        tuple(texts["labels"]),
        tuple(texts["captions"]),
        arrays.get("psnr"),
        arrays.get("ssim"),
    )
    return gallery, texts["conditions"]


def read_mistakes(
    workdirs: Sequence[Workdir],
    configs: Mapping[str, Mapping[str, Any]],
    names: Mapping[tuple[str, str], str],
) -> tuple[Mistake, ...]:
    """Read the mistakes of every working directory.

    Args:
      configs: by title of the directory, in their order.
      names: what the report calls a model, by title of its directory and name in it.
    """
    found = []
    for workdir, (title, config) in zip(workdirs, configs.items(), strict=True):
        if not workdir.mistakes.exists():
            continue
        seed, fold = _run_of_mistakes(workdir, config)
        source = title if len(configs) > 1 else ""
        found += [
            replace(
                mistake,
                model=names.get((title, mistake.model), mistake.model),
                other=names.get((title, mistake.other), mistake.other),
                seed=seed,
                fold=fold,
                source=source,
            )
            for mistake in _read_mistakes(workdir.mistakes)
        ]
    return tuple(found)


def _run_of_mistakes(workdir: Workdir, config: Mapping[str, Any]) -> tuple[int, int]:
    """Return seed and fold of the runs whose mistakes are kept: the first of each."""
    runs, settings = workdir.runs(), config.get("run", {})
    seeds = settings.get("seeds") or [settings.get("seed", min(run.seed for run in runs))]
    return int(seeds[0]), min(run.fold for run in runs)


def _read_mistakes(path: epath.Path) -> tuple[Mistake, ...]:
    arrays = read_arrays(path, _repair(path))
    _check(path, arrays, MISTAKES_RANK, (*TEXTS, *CONFIDENCES))
    if len({len(arrays[name]) for name in ("images", *TEXTS, *CONFIDENCES)}) > 1:
        raise damaged(path, "arrays of different lengths", _repair(path))
    columns = zip(
        arrays["images"],
        *([str(text) for text in arrays[key]] for key in TEXTS),
        arrays["confidences"].tolist(),
        arrays["others_confidences"].tolist(),
        strict=True,
    )
    return tuple(Mistake(*values) for values in columns)


def _may_be_shown(config: Mapping[str, Any]) -> bool:
    # Directories from before there was the setting have pictures that may be shown.
    return bool(config.get("evaluation", {}).get("show_images", True))


def _check(
    path: epath.Path, arrays: Mapping[str, np.ndarray], rank: int, columns: Sequence[str]
) -> None:
    """Refuse a file without pictures, or with columns that are missing or of another kind."""
    for name in ("images", *columns):
        if name not in arrays:
            raise damaged(path, f"it holds no {name}", _repair(path))
        found, kind = arrays[name], np.floating if name in CONFIDENCES else np.str_
        fits = np.issubdtype(found.dtype, kind) and found.ndim == 1
        if name == "images":
            fits = found.dtype == np.uint8 and found.ndim == rank
        if not fits:
            reason = f"{name} of type {found.dtype} and shape {found.shape}"
            raise damaged(path, reason, _repair(path))


def _repair(path: epath.Path) -> str:
    return (
        f"--mode=compare --workdir={path.parent} writes it again; without the file the report shows"
        " no such images"
    )
