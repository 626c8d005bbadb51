"""Are the images those that a working directory was made with? Asked before anything is written.

What is kept of them, `images.json`, is small and cheap to make, however large the data: it says
nothing of where they lie, so that a data set may be moved. What decodes pictures differs by a level
here and there between versions; such differences are no other images.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lqjax.answer_files import CLASSES, read_examples
from lqjax.damaged import DamagedError, damaged, read_text
from lqjax.data.checksums import IDS, IMAGES, LABELS, WEIGHTS, checksums, checksums_of
from lqjax.data.mean_levels import count_others, mean_levels
from lqjax.distributed import decide
from lqjax.manifest_files import changed_contents, write_manifest
from lqjax.typing import Dataset, Split
from lqjax.workbench import Workbench
from lqjax.workdir import Workdir

FILE_NAME = "images.json"
PURPOSES = {"train": "training", "validation": "validation", "test": "testing"}
"""Name of a split -> what it is for."""

NAME, LEVELS = "name", "levels"
Known = Mapping[str, Any]
"""What is known of the images of a fold, as JSON holds it; parts of it may be missing."""


def fingerprint(dataset: Dataset) -> dict[str, Any]:
    """Sum up which images a data set has.

    Returns:
      Its name, its classes and, for each split, the number of images, checksums of labels and ids
      in their order, and the mean level (0 to 255) of a few images spread evenly over it.
    """
    parts = {part: _of_split(getattr(dataset, part)) for part in PURPOSES}
    return {NAME: dataset.name, CLASSES: list(dataset.class_names), **parts}


def _of_split(split: Split) -> dict[str, Any]:
    return {**checksums_of(split), LEVELS: mean_levels(split.images)}


def has_kept_images(place: Workdir) -> bool:
    """Tell whether a working directory knows its images, wherever these lie."""
    return decide((place.root / FILE_NAME).exists)


def keep_images(benches: Sequence[Workbench]) -> None:
    """Write down which images a working directory is for; what stands there stays if it holds."""
    place, stock = benches[0].workdir, benches[0].stock
    write_manifest(place, stock.loaded, benches[0].config.data.duplicates)
    if not place.writes or (place.has_results() and (place.root / FILE_NAME).exists()):
        return
    folds = [fingerprint(bench.dataset) for bench in benches]
    place.write_text(FILE_NAME, json.dumps({"folds": folds}) + "\n")


def refuse_other_images(benches: Sequence[Workbench]) -> None:
    """Refuse to go on with results that were made with other images; changes nothing.

    A working directory of an earlier version is compared by what it has: the numbers of images in
    its `environment.json`, and the test images that its scores are of.

    Other classes are left to `Workbench.check_fit`, which names the class.

    Raises:
      ValueError: the images are others, or are called otherwise.
    """
    place = benches[0].workdir

    def look() -> None:
        if not place.has_results():
            return
        known = _kept(place, len(benches)) or _earlier(benches)
        for bench, before in zip(benches, known, strict=True):
            which = f" of fold {bench.fold}" if bench.config.data.folds else ""
            now = fingerprint(bench.dataset)
            if before.get(CLASSES, now[CLASSES]) == now[CLASSES]:
                _refuse(place, which, before, now)
        _refuse_changed_files(benches[0])

    decide(look)


def _kept(place: Workdir, count: int) -> Sequence[Known] | None:
    """Read what was kept of each fold; `None` in a working directory of an earlier version."""
    path, repair = place.root / FILE_NAME, "delete it, or name another --workdir"
    if not path.exists():
        return None
    try:
        folds = json.loads(read_text(path, repair))["folds"]
        found = [
            {NAME: str(fold[NAME]), CLASSES: list(fold[CLASSES])}
            | {part: _read(fold[part]) for part in PURPOSES}
            for fold in folds
        ]
    except DamagedError:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise damaged(path, error, repair) from None
    if len(found) != count:
        raise damaged(path, f"{len(found)} folds in place of {count}", repair)
    return found


def _read(part: Known) -> Known:
    names = (IMAGES, LABELS, IDS, *([WEIGHTS] if WEIGHTS in part else []))
    numbers = {name: int(part[name]) for name in names}
    return {**numbers, LEVELS: [float(level) for level in part[LEVELS]]}


def _earlier(benches: Sequence[Workbench]) -> Sequence[Known]:
    """Collect what a version that kept no record left of each fold."""
    found: list[dict[str, Any]] = [{"test": _tested(bench)} for bench in benches]
    try:
        counts = json.loads(read_text(benches[0].workdir.root / "environment.json"))["dataset"]
        found[0][CLASSES] = counts["classes"]
        for part in PURPOSES:
            found[0][part] = {IMAGES: int(counts[part]), **found[0].get(part, {})}
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, RecursionError):
        pass  # it is for people to read
    return found


def _tested(bench: Workbench) -> dict[str, Any]:
    """Sum up the images that finished conditions of a fold were tested on."""
    for model in bench.config.model.names:
        for run in bench.runs(model):
            if run.has_rows():
                try:
                    examples = read_examples(run)
                except DamagedError:  # it is written again
                    continue
                return checksums(examples[IDS], examples[LABELS])
    return {}


def _refuse(place: Workdir, which: str, before: Known, now: Known) -> None:
    changes = list(_changes(before, now))
    if changes:
        raise ValueError(
            f"the images{which} are not those that {place.root} was made with:"
            f" {', '.join(changes)}; name another workdir, or give the images it was made with"
        )
    name = before.get(NAME, now[NAME])
    if name != now[NAME]:
        raise ValueError(
            f"the data set is called {now[NAME]!r} here and {name!r} in {place.root}; it has the"
            f" same images: set data.name={name} to go on"
        )


def _refuse_changed_files(bench: Workbench) -> None:
    changed = changed_contents(bench.workdir, bench.stock.loaded.manifest)
    if changed:
        raise ValueError(
            f"files have changed since {bench.workdir.root} was made: {changed}; name another"
            " workdir, or give the images it was made with"
        )


def _changes(before: Known, now: Known) -> Iterable[str]:
    """Say of each split what is different, as far as it is known."""
    for part, purpose in PURPOSES.items():
        there, here = before.get(part, {}), now[part]
        if there.get(IMAGES, here[IMAGES]) != here[IMAGES]:
            yield f"{there[IMAGES]:,} -> {here[IMAGES]:,} for {purpose}"
        elif there.get(IDS, here[IDS]) != here[IDS]:
            yield f"other names or another order of the {here[IMAGES]:,} for {purpose}"
        elif there.get(LABELS, here[LABELS]) != here[LABELS]:
            yield f"other labels of the {here[IMAGES]:,} for {purpose}"
        elif LEVELS in there and there.get(WEIGHTS) != here.get(WEIGHTS):
            yield f"other weights of the {here[IMAGES]:,} for {purpose}"
        else:
            before_levels = there.get(LEVELS, ())
            if count := count_others(before_levels, here[LEVELS]):
                looked_at = min(len(before_levels), len(here[LEVELS]))
                yield f"other pictures under {count} of {looked_at} names for {purpose}"
