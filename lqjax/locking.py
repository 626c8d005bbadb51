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
    before: frozenset[str] | None
    """What lay in the folder before the file did; `None` where the file was there, too."""
    made: bool
    """Whether the folder was made for it."""
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
        while True:
            made = not path.parent.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                names = _names(path.parent)
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                if path.parent.exists():
                    raise
                continue  # another process has just taken its folder away
            before = None if LOCK_NAME in names else names
            try:
                held = _lock(descriptor, folder)
                if held and not _is_file_of(path, descriptor):
                    continue
                if held:
                    _sign(descriptor)
                    _held[str(path)] = _Held(descriptor, before, made)
            finally:
                if str(path) not in _held:
                    os.close(descriptor)  # which frees it too
            return str(path) if held else ""


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir())


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
                os.ftruncate(held.descriptor, 0)
                _remove_if_alone(Path(key), held)
            os.close(held.descriptor)


def _remove_if_alone(path: Path, held: _Held) -> None:
    """Take the file away where nothing came of the run, and the folder that was made for it.

    It is still held: who has opened it meanwhile finds that it has lost its name.
    """
    if held.before is None or _names(path.parent) - {LOCK_NAME} != held.before:
        return
    path.unlink()
    if held.made:
        path.parent.rmdir()


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
