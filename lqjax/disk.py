"""What a disk refuses: errors that mean it is full, and of which file they are; no jax."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from etils import epath

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system answers where the disk, the user's share of it, or a file is full."""

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
"""What it answers where a file or folder is not where it was any more."""


@contextmanager
def named(path: epath.PathLike) -> Iterator[None]:
    """Give errors of the system the name of the file, where they have none: a write has none."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
