"""A corrupted copy of a folder of images, with a manifest; resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.degrade import degrade
from lqjax.imaging.frost_photographs import use_frost_photographs
from lqjax.imaging.keys import example_numbers
from lqjax.picture_batches import Picture, list_pictures, shape_batches, stems_of
from lqjax.progress import Progress, Stage
from lqjax.registry import unknown_name
from lqjax.workdir import slug

FORMATS = {"png": (".png", {}), "jpeg85": (".jpg", {"quality": 85, "optimize": True})}
"""File formats with Pillow's options; "jpeg85" is how ImageNet-C was published."""

MANIFEST = "manifest.jsonl"
SETTINGS = "settings.json"


@dataclass(frozen=True)
class Copying:
    """What decides the content of the files; a folder holds one of these only.

    Attributes:
      seed: of the random draws.
      size: side in px to which pictures are cut and resized; 0 keeps their own size.
      format: key of `FORMATS`.
      frost: folder with the published photographs of frost; empty for what the process uses.
    """

    seed: int = 0
    size: int = 0
    format: str = "png"
    frost: str = ""


@dataclass(frozen=True)
class Copied:
    """What was done.

    Attributes:
      written: files written now.
      kept: files that an earlier run had written.
      skipped: (file, reason) of every unusable picture.
      manifest: path of the list of all files.
    """

    written: int
    kept: int
    skipped: tuple[tuple[str, str], ...]
    manifest: Path


def degrade_folder(
    source: str | Path,
    target: str | Path,
    conditions: str,
    settings: Copying = Copying(),
    progress: Progress | None = None,
) -> Copied:
    """Write every picture of a folder under every condition.

    A picture `cat/1.jpg` becomes `imagenet_c/fog/3/cat/1.png` below `target`. Its noise depends on
    the seed and on `cat/1.jpg`, as if the folder had been evaluated. `manifest.jsonl` has a line
    for each file: source, condition, operations, parameters, seed and the numbers that make its
    keys. A run that was stopped goes on where it was.

    Raises:
      ValueError: no pictures, an impossible condition, `target` inside `source`, or a `target`
        that was made with other settings.
    """
    root, output = Path(source).expanduser(), Path(target).expanduser()
    wanted = expand(conditions)
    stems = stems_of(list_pictures(root, output))
    if settings.frost:
        use_frost_photographs(settings.frost)
    _claim(output, settings)
    done = _finished(output)
    skipped: list[tuple[str, str]] = []
    written = 0
    total = len(stems) * len(wanted)
    with (
        (output / MANIFEST).open("a", encoding="utf-8") as manifest,
        ThreadPoolExecutor() as pool,
        (progress or Progress()).stage("degrading", total, 0) as stage,
    ):
        todo = [name for name, stem in stems.items() if _missing(stem, wanted, settings, done)]
        stage.advance((len(stems) - len(todo)) * len(wanted))
        for batch in shape_batches(root, todo, stems, settings.size, wanted, skipped, pool):
            for condition in wanted:
                written += _write(output, batch, condition, settings, done, (manifest, pool, stage))
        stage.advance(len(skipped) * len(wanted))
    if len(skipped) == len(stems):
        raise ValueError(
            f"{root}: none of {len(stems)} pictures can be used; {': '.join(skipped[0])}"
        )
    kept = total - written - len(skipped) * len(wanted)
    return Copied(written, kept, tuple(skipped), output / MANIFEST)


def folder_of(condition: Condition) -> str:
    """Name the folder of a condition: `imagenet_c/fog/3`; a slug where that would not be unique."""
    if len(condition.steps) == 1 and condition.steps[0].suite and "(" not in condition.name:
        return f"{condition.family}/{condition.level}"
    return condition.name if condition.name.isalnum() else slug(condition.name)


def _claim(output: Path, settings: Copying) -> None:
    """Keep the settings beside the files; refuse a folder that was made with others."""
    if settings.format not in FORMATS:
        raise unknown_name("format", settings.format, tuple(FORMATS))
    path = output / SETTINGS
    if path.exists():
        stored = _stored_settings(path)
        differing = [
            f"{k}={stored.get(k)}" for k, v in asdict(settings).items() if stored.get(k) != v
        ]
        if differing:
            raise ValueError(
                f"{output} was written with {', '.join(differing)}; give the same, or another"
                " folder"
            )
        return
    if output.exists() and any(output.iterdir()):
        raise ValueError(f"{output} holds other files; give --output a new or an empty folder")
    output.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(json.dumps(asdict(settings)) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _stored_settings(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise ValueError(f"{path} is damaged; remove its folder, or give --output another one")
    return stored


def _finished(output: Path) -> set[str]:
    """List the files that are in the manifest and on disk; drop a line that was cut off."""
    path = output / MANIFEST
    if not path.exists():
        return set()
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    named = (_named_file(line) for line in whole.splitlines())
    return {name for name in named if name and (output / name).is_file()}


def _named_file(line: str) -> str:
    """Read a line of the manifest; a damaged one names nothing, so that its file is made again."""
    try:
        return str(json.loads(line)["file"])
    except (ValueError, KeyError, TypeError):
        return ""


def _file(stem: str, condition: Condition, settings: Copying) -> str:
    return f"{folder_of(condition)}/{stem}{FORMATS[settings.format][0]}"


def _missing(stem: str, conditions: Sequence[Condition], settings: Copying, done: set[str]) -> bool:
    return any(_file(stem, condition, settings) not in done for condition in conditions)


def _write(
    output: Path,
    batch: list[Picture],
    condition: Condition,
    settings: Copying,
    done: set[str],
    shell: tuple[Any, ThreadPoolExecutor, Stage],
) -> int:
    manifest, pool, stage = shell
    missing = [p for p in batch if _file(p.stem, condition, settings) not in done]
    if missing:
        pixels = np.stack([picture.pixels for picture in missing])
        ids = [picture.name for picture in missing]
        degraded = degrade(pixels, condition.name, seed=settings.seed, ids=ids)
        files = [_file(picture.stem, condition, settings) for picture in missing]
        list(pool.map(lambda f, image: _save(output / f, image, settings), files, degraded))
        for picture, file in zip(missing, files, strict=True):
            manifest.write(json.dumps(_record(picture, file, condition, settings)) + "\n")
        manifest.flush()
    stage.advance(len(batch))
    return len(missing)


def _save(path: Path, image: np.ndarray, settings: Copying) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ending, options = FORMATS[settings.format]
    unfinished = path.with_name(f".{path.name}.unfinished")
    plain = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(plain).save(unfinished, "PNG" if ending == ".png" else "JPEG", **options)
    os.replace(unfinished, path)  # noqa: PTH105 (replaces what is there on every platform)


def _record(picture: Picture, file: str, condition: Condition, settings: Copying) -> dict[str, Any]:
    steps = [
        {
            "operation": step.operation.name,
            "parameters": {k: v if v == v else "drawn" for k, v in step.parameters.items()},
            "truncated": step.quantize,
            "stream": step.stream,
        }
        for step in condition.steps
    ]
    return {
        "file": file,
        "source": picture.name,
        "condition": condition.name,
        "seed": settings.seed,
        "example": int(example_numbers(np.asarray([picture.name]))[0]),
        "steps": steps,
    }
