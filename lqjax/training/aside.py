"""An earlier checkpoint of the same step: kept until the one that replaces it is whole.

Moving a folder is one act on a disk; in a bucket it copies object by object and then deletes. In
either case one of the two folders is whole at any moment, so nothing is lost if a move is cut off.
"""

from __future__ import annotations

from etils import epath

from lqjax.workdir import is_whole

PREFIX = "replaced."
"""Begins the name of a checkpoint that is put aside; no step is called so."""


def put_aside(folder: epath.Path, step: int) -> None:
    """Make room for another checkpoint of a step."""
    forget(folder, step)
    (folder / str(step)).rename(_aside(folder, step))


def forget(folder: epath.Path, step: int) -> None:
    """Remove what was put aside: the checkpoint that replaces it is whole."""
    if _aside(folder, step).exists():
        _aside(folder, step).rmtree()


def is_aside(folder: epath.Path, step: int) -> bool:
    """Tell whether a checkpoint of this step is put aside."""
    return _aside(folder, step).exists()


def give_back(folder: epath.Path, step: int) -> None:
    """Return a checkpoint that was put aside to its place; what is left there goes."""
    if (folder / str(step)).exists():
        (folder / str(step)).rmtree()
    _aside(folder, step).rename(folder / str(step))


def give_back_missing(folder: epath.Path) -> None:
    """Return what was put aside by a process that ended before it had replaced it."""
    if not folder.exists():
        return
    for path in folder.iterdir():
        step = path.name.removeprefix(PREFIX)
        if step != path.name and not is_whole(folder / step):
            give_back(folder, int(step))


def _aside(folder: epath.Path, step: int) -> epath.Path:
    return folder / f"{PREFIX}{step}"
