"""A working directory is used by one run at a time.

The lock is the kernel's (`flock`): it is gone with the process that held it, however that died.
What the file says is only for people.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from etils import epath

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "lock"
NOT_POSSIBLE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems answer that have no locks."""


@dataclass
class _Held:
    descriptor: int
    times: int = 1


_held: dict[str, _Held] = {}
_guard = threading.Lock()


@contextmanager
def locked(folder: epath.Path) -> Iterator[None]:
    """Hold a working directory for as long as the block runs; made if it is not there.

    A process may hold the same directory several times over. Where there are no locks (buckets,
    Windows, some network file systems) it goes on with a warning.

    Raises:
      ValueError: another process holds it; names process, host and since when.
    """
    key = _acquire(folder)
    try:
        yield
    finally:
        if key:
            _release(key)


def _acquire(folder: epath.Path) -> str:
    if "://" in str(folder):
        _warn(folder, "a bucket has no locks")
        return ""
    if fcntl is None:
        _warn(folder, "this system has no file locks")
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    path = Path(folder).resolve() / LOCK_NAME
    with _guard:
        if str(path) in _held:
            _held[str(path)].times += 1
            return str(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            held = _lock(descriptor, folder)
            if held:
                _sign(descriptor)
                _held[str(path)] = _Held(descriptor)
        finally:
            if str(path) not in _held:
                os.close(descriptor)  # which frees it too
        return str(path) if held else ""


def _lock(descriptor: int, folder: epath.Path) -> bool:
    """Take the lock of an open file; false, with a warning, where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"{folder} is in use by {_read(descriptor)}; wait for it to end, stop it, or name"
            " another --workdir"
        ) from None
    except OSError as error:
        if error.errno not in NOT_POSSIBLE:
            raise
        _warn(folder, "its file system has no locks")
        return False
    return True


def _release(key: str) -> None:
    with _guard:
        held = _held[key]
        held.times -= 1
        if not held.times:
            # The file stays: removing it would let two runs lock two files of one name.
            del _held[key]
            with suppress(OSError):
                os.ftruncate(held.descriptor, 0)
            os.close(held.descriptor)


def _sign(descriptor: int) -> None:
    """Write down who holds it; a disk without room for that does not stop a run."""
    record = {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode() + b"\n", 0)


def _read(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    try:
        record = json.loads(os.pread(descriptor, size, 0))
        return f"process {record['process']} on {record['host']} since {record['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"  # which has not signed yet, or had no room to


def _warn(folder: epath.Path, why: str) -> None:
    warnings.warn(
        f"{folder} is not locked, {why}: make sure that no other run uses it",
        stacklevel=2,
    )


def _forget() -> None:
    # A forked child shares the lock with its parent and would hold it longer.
    for held in _held.values():
        os.close(held.descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
