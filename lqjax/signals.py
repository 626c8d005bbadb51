"""What Ctrl-C and SIGTERM do while something worth keeping is computed."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lqjax.distributed import several_processes
from lqjax.stopping import SAVES_FIRST, Terminated, request_stop

STOPS: dict[int, type[BaseException]] = {
    signal.SIGINT: KeyboardInterrupt,
    signal.SIGTERM: Terminated,
}
"""What each signal raises where the program can be left."""

DEFAULTS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""What Python does by itself: nobody else has claimed the signal."""

REPEAT_SECONDS = 2


def stop(number: int, frame: FrameType | None) -> None:
    """Ask to stop: handler of the signals of `STOPS`."""
    try:
        request_stop(STOPS[number])
    except BaseException:
        # An exception that arrives inside a callback of a library can be swallowed there, so the
        # alarm sends it again until it has come through.
        if hasattr(signal, "alarm"):
            signal.signal(signal.SIGALRM, lambda *_: stop(number, frame))
            signal.alarm(REPEAT_SECONDS)
        raise
    print(f"\nlqjax: {SAVES_FIRST}", file=sys.stderr)


def silence() -> None:
    """Send a request no more: it has come through."""
    if hasattr(signal, "alarm"):
        signal.alarm(0)


@contextmanager
def heeded() -> Iterator[None]:
    """Save before Ctrl-C or SIGTERM end the block, where nobody else has claimed these signals.

    Afterwards they do what Python does: KeyboardInterrupt is raised, SIGTERM ends the process.
    Threads other than the main one are never interrupted, and of several processes jax tells all.
    """
    if threading.current_thread() is not threading.main_thread() or several_processes():
        yield
        return
    ours = [n for n, default in DEFAULTS.items() if signal.getsignal(n) == default]
    for number in ours:
        signal.signal(number, stop)
    ended = False
    try:
        yield
    except Terminated:
        ended = signal.SIGTERM in ours
        raise
    finally:
        if ours:
            silence()
        for number in ours:
            signal.signal(number, DEFAULTS[number])
        if ended:
            sys.stdout.flush()
            sys.stderr.flush()
            signal.raise_signal(signal.SIGTERM)
