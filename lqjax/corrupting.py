"""A corrupted copy of a folder of images, with a manifest; resumable."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lqjax.data.pictures import SUFFIXES, is_grey, open_picture, to_eight_bit, to_pixels
from lqjax.imaging.conditions import Condition, expand
from lqjax.imaging.degrade import degrade
from lqjax.imaging.frost_photographs import use_frost_photographs
from lqjax.imaging.keys import example_numbers
from lqjax.progress import Progress, Stage
from lqjax.registry import unknown_name
from lqjax.workdir import slug

FORMATS = {"png": (".png", {}), "jpeg85": (".jpg", {"quality": 85, "optimize": True})}
"""File formats with Pillow's options; "jpeg85" is how ImageNet-C was published."""

MANIFEST = "manifest.jsonl"
SETTINGS = "settings.json"
BATCH_PIXELS = 64 * 224 * 224
"""Pixels degraded at a time."""

WHOLE = 1 << 14
"""Sides up to this are decoded in full."""


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


@dataclass(frozen=True)
class _Picture:
    """A decoded picture and where it comes from."""

    name: str
    stem: str
    pixels: np.ndarray


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
    stems = _stems(_list_pictures(root, output))
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
        for batch in _batches(root, todo, stems, settings.size, wanted, skipped, pool):
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


def _list_pictures(root: Path, output: Path) -> list[str]:
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; give --input a folder of pictures")
    if output.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{output} lies inside {root}; write to a folder outside the pictures")
    found = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.is_file()
    ]
    if not found:
        raise ValueError(f"{root}: no pictures in it ({', '.join(SUFFIXES)})")
    return found


def _stems(names: Sequence[str]) -> dict[str, str]:
    """Give each file its output name without ending; `a.jpg` beside `a.png` keeps both endings."""
    stems = {name: name[: -len(Path(name).suffix)] for name in names}
    while True:
        counts = Counter(stem.lower() for stem in stems.values())
        clashing = [n for n, stem in stems.items() if counts[stem.lower()] > 1 and stem != n]
        if not clashing:
            return stems
        stems.update({name: name for name in clashing})


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


def _batches(
    root: Path,
    names: Sequence[str],
    stems: dict[str, str],
    size: int,
    conditions: Sequence[Condition],
    skipped: list[tuple[str, str]],
    pool: ThreadPoolExecutor,
) -> Iterator[list[_Picture]]:
    """Decode pictures and hand out those of one shape together."""
    waiting: dict[tuple[int, ...], list[_Picture]] = {}
    step = 256
    for start in range(0, len(names), step):
        part = names[start : start + step]
        for name, pixels in zip(part, pool.map(lambda n: _read(root / n, size), part), strict=True):
            pixels = pixels if isinstance(pixels, str) else _large_enough(pixels, conditions)
            if isinstance(pixels, str):
                skipped.append((name, pixels))
                continue
            group = waiting.setdefault(pixels.shape, [])
            group.append(_Picture(name, stems[name], pixels))
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


def _write(
    output: Path,
    batch: list[_Picture],
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


def _record(
    picture: _Picture, file: str, condition: Condition, settings: Copying
) -> dict[str, Any]:
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
