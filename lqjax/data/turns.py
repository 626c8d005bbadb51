"""One process at a time in a folder; the others wait for their turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "lock"


@contextmanager
def turn(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Have a folder to oneself for as long as the block runs.

    The kernel holds the lock (`flock`): it is gone with the process that held it, however that
    died. The file stays, since two processes could otherwise lock two files of one name. Where the
    system has no such locks (Windows) nothing is locked.

    Args:
      folder: it must be there.
      wait: called once if another process is in it.

    Raises:
      OSError: the file system of the folder has no locks, or refuses.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
