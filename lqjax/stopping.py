"""Being asked to stop: at once, or as soon as what was computed is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

SAVES_FIRST = "stops as soon as it has saved; once more to stop at once"
"""What is said where a request has to wait."""


class Terminated(BaseException):
    """The machine is about to be taken away (SIGTERM): a few seconds are left to end tidily."""


class _Requests:
    """Whether someone waits to be asked, and what they were asked with."""

    patient: bool = False
    pending: BaseException | type[BaseException] | None = None


_requests = _Requests()


def request_stop(exception: BaseException | type[BaseException]) -> bool:
    """Ask the process to stop; called by signal handlers.

    Where nothing is worth saving, or at the second request, the exception is raised here.

    Returns:
      True where the request waits for `raise_if_asked`.
    """
    if not _requests.patient or _requests.pending is not None:
        raise exception
    _requests.pending = exception
    return True


@contextmanager
def patiently() -> Iterator[None]:
    """Let requests inside wait until `raise_if_asked` or the end of the block."""
    before, _requests.patient = _requests.patient, True
    try:
        yield
    finally:
        _requests.patient = before
        if not before:
            pending, _requests.pending = _requests.pending, None
    if not before and pending is not None:
        raise pending


@contextmanager
def at_once() -> Iterator[None]:
    """Inside `patiently`: raise requests where they arrive again, the one that waits first."""
    before, _requests.patient = _requests.patient, False
    try:
        raise_if_asked()
        yield
    finally:
        _requests.patient = before


def asked_to_stop() -> bool:
    """Tell whether a request is waiting."""
    return _requests.pending is not None


def raise_if_asked() -> None:
    """Raise the waiting request, if there is one."""
    pending, _requests.pending = _requests.pending, None
    if pending is not None:
        raise pending
