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
ATTEMPTS = 1000
"""How often a folder is made again that others, who leave nothing, take away meanwhile."""
KEPT = b"\n"
"""What a file says that nobody holds and that stays; an empty one is of a run just beginning."""


@dataclass
class _Held:
    descriptor: int
    before: frozenset[str] | None
    """What else lay in the folder; `None` where the file is of an earlier run, and stays."""
    made: tuple[Path, ...]
    """The folders that were made for it, inner ones first."""
    times: int = 1


_held: dict[str, _Held] = {}
_guard = threading.Lock()


@contextmanager
def locked(folder: epath.Path) -> Iterator[None]:
    """Hold a working directory for as long as the block runs; made if it is not there.

    A folder in which the block left nothing is as it was before. A process may hold the same
    directory several times over. Where there are no locks (buckets, Windows, some network file
    systems) it goes on with a warning.

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
    path = Path(folder).resolve() / LOCK_NAME
    with _guard:
        if str(path) in _held:
            _held[str(path)].times += 1
            return str(path)
        made: tuple[Path, ...] = ()
        for left in reversed(range(ATTEMPTS)):
            try:
                made = _make(path.parent) or made
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except (FileNotFoundError, FileExistsError):
                if not left or path.parent.is_file():
                    raise
                continue  # another process has just taken its folder away
            try:
                held = _lock(descriptor, folder)
                if held and not _is_file_of(path, descriptor):
                    continue
                if held:
                    fresh = not os.fstat(descriptor).st_size
                    before = _names(path.parent) if fresh else None
                    _sign(descriptor)
                    _held[str(path)] = _Held(descriptor, before, made)
            finally:
                if str(path) not in _held:
                    os.close(descriptor)  # which frees it too
            return str(path) if held else ""
    raise ValueError(f"{folder} is in use by others all the time; name another --workdir")


def _make(folder: Path) -> tuple[Path, ...]:
    """Make a folder and those above it; those that were not there, inner ones first."""
    missing = tuple(path for path in (folder, *folder.parents) if not path.exists())
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir()) - {LOCK_NAME}


def _is_file_of(path: Path, descriptor: int) -> bool:
    """Tell whether an open file still has its name: who held it before may have removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


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
            del _held[key]
            with suppress(OSError):
                if not _removed(Path(key), held):
                    os.ftruncate(held.descriptor, 0)
                    os.pwrite(held.descriptor, KEPT, 0)
            os.close(held.descriptor)


def _removed(path: Path, held: _Held) -> bool:
    """Take the file away where nothing came of the run, and the folders that were made for it.

    It is still held: who has opened it meanwhile finds that it has lost its name.
    """
    if held.before is None or _names(path.parent) != held.before:
        return False
    path.unlink()
    with suppress(OSError):  # others have put something there
        for folder in held.made:
            folder.rmdir()
    return True


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
