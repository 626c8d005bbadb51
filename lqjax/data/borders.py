"""The border of a data set's folder: which files lie inside, links resolved.

A link or a path that leads out of the folder reads what its owner did not choose to share, and a
set with such links is another one on the next machine; so they are refused unless the settings
allow them. Each folder is read once: a link to one that is read as well would put its pictures into
the data twice, under two labels where it stands for a class; one to a folder above it would never
end. Where only the link leads into the pictures, it may lead to any folder inside.
"""

from __future__ import annotations

import os
import unicodedata

MOST_LINKS = 8
"""Links to links that are resolved here; longer chains and loops are left to `os.path.realpath`."""

CONTROLS = ("Cc", "Zl", "Zp")
"""Categories of control characters and of breaks of lines and paragraphs. Source: Unicode."""


class Borders:
    """The border of one folder.

    Args:
      root: the folder; it may be a link itself.
      allow_outside: let links lead out of it.
    """

    def __init__(self, root: str, allow_outside: bool) -> None:
        self._root = os.path.realpath(root)
        self._allow_outside = allow_outside
        self._reached: dict[str, str] = {}
        self._real_folders: dict[str, str] = {}

    def check(self, path: str) -> str:
        """Resolve the links of a path.

        Returns:
          Where it leads.

        Raises:
          ValueError: out of the folder.
        """
        real = self._resolved(path)
        if not self._allow_outside and not _is_within(real, self._root):
            raise ValueError(
                f"{path}: leads to {real}, outside {self._root}; copy it there, or allow such"
                " links with data.allow_outside=true"
            )
        return real

    def enter(self, folder: str) -> None:
        """Check a folder, a link or not, before what is in it is read.

        Raises:
          ValueError: it leads out, to a folder that holds it, or to one that was entered before.
        """
        real = self.check(folder)
        self._real_folders.setdefault(folder, real)  # or folders below ask for it, link by link
        above = os.path.dirname(os.path.abspath(folder))  # noqa: PTH100, PTH120 ("." has one too)
        if _is_within(self._real_folder(above), real):
            raise ValueError(
                f"{folder}: links to {real}, which holds it: reading it would never end; remove it"
            )
        if real in self._reached:
            raise ValueError(
                f"{folder}: is the same folder as {self._reached[real]}; its pictures would be read"
                " twice: remove the link"
            )
        self._reached[real] = folder

    def _resolved(self, path: str) -> str:
        """Resolve links as `os.path.realpath`, but each folder once."""
        for _ in range(MOST_LINKS):
            folder, name = os.path.split(path)
            if name in ("", os.curdir, os.pardir):
                break
            real = self._real_folder(folder)
            path = os.path.join(real, name)  # noqa: PTH118 (Path: 10 x here)
            try:
                target = os.readlink(path)  # noqa: PTH115
            except OSError:  # it is no link, or is not there
                return path
            path = os.path.join(real, target)  # noqa: PTH118
        return os.path.realpath(path)

    def _real_folder(self, folder: str) -> str:
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return self._real_folders[folder]


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def name_trouble(path: str) -> str:
    """Say what is wrong with a path as a name in results and messages; "" where nothing is.

    A name must be UTF-8 without control characters: it is written into tables and reports.
    """
    if path.isprintable():  # what nearly all are; says no to some that are fine
        return ""
    if any(unicodedata.category(character) in CONTROLS for character in path):
        return f"its name has a control character ({path!a}); rename it"
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        return f"its name is not UTF-8 ({raw!r}); rename it (convmv -f latin1 -t utf-8 --notest)"
    return ""
