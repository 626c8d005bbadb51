"""Which of many files are there: a listing a folder in place of a question a file.

On a network disk a question costs a millisecond, and a listing answers thousands at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence

LIST_FROM = 16
"""Files wanted of one folder from which it is listed; of a large folder few may be wanted."""

FILE = ""
LINK = "a link"
FOLDER = "it is a folder, not a file"
NO_FILE = "there is no such file"
NO_REGULAR_FILE = "it is no regular file"


def kinds_of(paths: Sequence[str]) -> list[str]:
    """Say of each path `FILE`, `LINK`, or in words why it is no file; links are not followed."""
    by_folder: dict[str, list[int]] = {}
    for row, path in enumerate(paths):
        by_folder.setdefault(os.path.dirname(path), []).append(row)  # noqa: PTH120
    kinds = [FILE] * len(paths)
    for folder, rows in by_folder.items():
        listed = _listed(folder) if len(rows) >= LIST_FROM else {}
        for row in rows:
            name = os.path.basename(paths[row])  # noqa: PTH119
            # A disk may know a file by a name that it does not list: other case, other accents.
            kinds[row] = listed[name] if name in listed else kind_of(paths[row])
    return kinds


def kind_of(path: str, follow: bool = False) -> str:
    """Say `FILE`, `LINK` (unless links are followed), or in words why it is no file."""
    try:
        mode = os.stat(path, follow_symlinks=follow).st_mode  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return NO_FILE
    except (OSError, ValueError) as error:  # no permission, too long, a loop of links
        return getattr(error, "strerror", None) or str(error)
    if stat.S_ISLNK(mode):
        return LINK
    if stat.S_ISDIR(mode):
        return FOLDER
    return FILE if stat.S_ISREG(mode) else NO_REGULAR_FILE


def _listed(folder: str) -> Mapping[str, str]:
    try:
        with os.scandir(folder or os.curdir) as entries:
            return {entry.name: kind_of_entry(entry) for entry in entries}
    except OSError:  # each file is asked for by itself then, and says why
        return {}


def kind_of_entry(entry: os.DirEntry[str]) -> str:
    """Say of an entry of a listed folder what `kind_of` says, without asking the disk again."""
    if entry.is_symlink():
        return LINK
    if entry.is_file(follow_symlinks=False):
        return FILE
    return FOLDER if entry.is_dir(follow_symlinks=False) else NO_REGULAR_FILE
