"""The modes of the command line that need no recipe: predict, list, gallery, degrade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lqjax.progress import Progress

GALLERY_FILE = "gallery.png"
ALL_SHOWN = "low_quality/*"
LARGEST_SIZE = 4096
"""px."""

MOST_LISTED = 20
"""Skipped files that are named on the screen."""


def run_tool(mode: str, flags: Mapping[str, str]) -> str:
    """Run a mode with its flags, by name without dashes; return the lines for the screen.

    Raises:
      ValueError: a missing flag, or one whose value is impossible.
    """
    if mode == "list":
        return _list(flags)
    if mode == "predict":
        return _predict(flags)
    return _gallery(flags) if mode == "gallery" else _degrade(flags)


def _list(flags: Mapping[str, str]) -> str:
    from lqjax.imaging.catalogue import as_page, as_text

    if "output" not in flags:
        return as_text()
    path = Path(flags["output"])
    path.write_text(as_page(), encoding="utf-8")
    return f"list: {path}"


def _gallery(flags: Mapping[str, str]) -> str:
    from lqjax.imaging.frost_photographs import use_frost_photographs
    from lqjax.picturing import draw_gallery

    if flags.get("frost"):
        use_frost_photographs(flags["frost"])
    picture = _needed(flags, "input", "gallery", "PICTURE.jpg")
    output = flags.get("output", GALLERY_FILE)
    conditions = flags.get("conditions", ALL_SHOWN)
    size, seed = _whole(flags, "size"), _whole(flags, "seed")
    return f"gallery: {draw_gallery(picture, output, conditions, size, seed)}"


def _degrade(flags: Mapping[str, str]) -> str:
    from lqjax.corrupting import Copying, degrade_folder

    source = _needed(flags, "input", "degrade", "FOLDER")
    target = _needed(flags, "output", "degrade", "FOLDER")
    conditions = _needed(flags, "conditions", "degrade", '"imagenet_c/*"')
    settings = Copying(
        seed=_whole(flags, "seed"),
        size=_whole(flags, "size"),
        format=flags.get("format", Copying.format),
        frost=flags.get("frost", Copying.frost),
    )
    copied = degrade_folder(source, target, conditions, settings, Progress(True, 1))
    kept = f", {copied.kept:,} were there already" if copied.kept else ""
    lines = [f"wrote {_counted(copied.written, 'file')}{kept}; manifest: {copied.manifest}"]
    return "\n".join([*lines, *_skipped(copied.skipped)])


def _skipped(skipped: Sequence[tuple[str, str]]) -> list[str]:
    """List the first files that could not be used."""
    if not skipped:
        return []
    lines = [f"skipped {_counted(len(skipped), 'unusable picture')}:"]
    lines += [f"  {name}: {reason}" for name, reason in skipped[:MOST_LISTED]]
    more = len(skipped) - MOST_LISTED
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _predict(flags: Mapping[str, str]) -> str:
    from lqjax.classifying import load
    from lqjax.predictions_table import write_predictions

    source = Path(_needed(flags, "input", "predict", "FOLDER")).expanduser()
    target = Path(_needed(flags, "output", "predict", "predictions.csv")).expanduser()
    given = [flags[name] for name in ("workdir", "weights") if flags.get(name)]
    if len(given) != 1:
        raise ValueError(
            "--mode=predict needs either --workdir=DIR, where a network was trained, or"
            " --weights=FILE"
        )
    if flags.get("workdir") and not Path(given[0]).expanduser().is_dir() and "://" not in given[0]:
        raise ValueError(f"there is no folder {given[0]}; give the working directory of a run")
    if not source.exists():
        raise ValueError(f"{source}: no such folder; give --input a folder of pictures")
    if target.is_dir():
        raise ValueError(f"--output={target} is a folder; give a file, such as predictions.csv")
    classifier = load(given[0], model=flags.get("model", ""))
    target.parent.mkdir(parents=True, exist_ok=True)  # what cannot be written is known first
    found = classifier.predict(source)
    write_predictions(found, target)
    counts = Counter(found.classes).most_common(MOST_LISTED)
    lines = [f"{name}: {count:,}" for name, count in counts]
    lines += _skipped(found.skipped)
    return "\n".join([*lines, f"{_counted(len(found), 'picture')}; predictions: {target}"])


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _needed(flags: Mapping[str, str], name: str, mode: str, example: str) -> str:
    if not flags.get(name):
        raise ValueError(f"--mode={mode} needs --{name}={example}")
    return flags[name]


def _whole(flags: Mapping[str, str], name: str) -> int:
    text = flags.get(name, "0")
    try:
        number = int(text)
    except ValueError:
        raise ValueError(f"--{name}={text}: must be a whole number") from None
    if name == "size" and number > LARGEST_SIZE:
        raise ValueError(f"--size={text}: must be at most {LARGEST_SIZE} px")
    if number < 0:
        raise ValueError(f"--{name}={text}: must be 0 or more")
    return number
