"""Several processes as one run: how they stay of one mind.

Every process runs the same program and must take every decision alike, or the run hangs in a
reduction that one of them never reaches. So whatever is read from a disk or a clock to decide what
comes next goes through `decide`, and whatever may fail on one host only through `together`.

Importing this module does not import jax, and a process without jax is alone.
"""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from lqjax.joining import start_distributed as start_distributed
from lqjax.overriding import differences
from lqjax.stopping import asked_to_stop

T = TypeVar("T")

MESSAGE_BYTES = 2048
"""Room for what a process says about its failure to the others."""

MOST_DIFFERENCES = 5
"""How many settings that differ are named in one line."""

LOST = ("Gloo", "Connection reset", "Connection closed", "oordination service", "NCCL", "heartbeat")
"""Words in the errors that libraries raise when another process is gone."""

_points = 0


def several_processes() -> bool:
    """Tell whether this process is one of several; asks no device when it was started alone."""
    jax = sys.modules.get("jax")
    return bool(jax and jax.distributed.is_initialized() and jax.process_count() > 1)


def is_first() -> bool:
    """Tell whether this process is the one that writes; true when it is alone."""
    return not several_processes() or sys.modules["jax"].process_index() == 0


def decide(function: Callable[[], T]) -> T:
    """Let the first process answer for all of them.

    Args:
      function: called on the first process only; returns what JSON can hold.

    Returns:
      What it returned, the same everywhere (tuples have become lists).

    Raises:
      Exception: what it raised; on the other processes a ValueError or RuntimeError with its text.
    """
    if not several_processes():
        return json.loads(json.dumps(function()))
    if is_first():
        try:
            answer = {"value": function()}
        except Exception as error:
            kind = "mistake" if isinstance(error, (ValueError, OSError)) else "failure"
            _broadcast(json.dumps({kind: str(error) or type(error).__name__}))
            raise
        return json.loads(_broadcast(json.dumps(answer)))["value"]
    answer = json.loads(_broadcast(""))
    if "mistake" in answer:
        raise ValueError(answer["mistake"])
    if "failure" in answer:
        raise RuntimeError(f"process 0 failed: {answer['failure']}")
    return answer["value"]


def together(function: Callable[[], T]) -> T:
    """Do something on every process; where it fails on one, it fails on all.

    Args:
      function: what each does by itself; must not contain anything that processes do in common.

    Raises:
      ValueError, OSError: what it raised here; or a ValueError that says what another raised.
    """
    if not several_processes():
        return function()
    value, failure = None, None
    try:
        value = function()
    except (ValueError, OSError) as error:
        failure = error
    said = _from_all("" if failure is None else str(failure) or type(failure).__name__)
    if failure is not None:
        raise failure
    for number, message in enumerate(said):
        if message:
            raise ValueError(f"process {number} failed: {message}")
    return value  # type: ignore[return-value]


def first_said(text: str) -> str:
    """Give every process what the first of them that has something to say says; "" if none has."""
    if not several_processes():
        return text
    return next((message for message in _from_all(text) if message), "")


def refuse_differences(what: str, value: Callable[[], Any]) -> None:
    """Make sure that something is the same on all processes.

    Args:
      what: for people, for example "settings".
      value: called where there are several; returns what JSON can hold.

    Raises:
      ValueError: it differs; names the processes that differ from the first, and where the value
        is a (nested) mapping, what differs on the first of them.
    """
    if not several_processes():
        return
    text = json.dumps(value(), sort_keys=True)
    digests = _from_all(hashlib.sha256(text.encode()).hexdigest())
    others = [str(n) for n, digest in enumerate(digests) if digest != digests[0]]
    if others:
        raise ValueError(
            f"process {', '.join(others)} has other {what} than process 0{_differences(text)};"
            " start all with the same command, the same files and the same version"
        )


def _differences(text: str) -> str:
    """Say in brackets how a process's mapping, as JSON, differs from that of the first process."""
    first, mine = json.loads(_broadcast(text)), json.loads(text)
    named = differences(first, mine) if isinstance(mine, dict) and isinstance(first, dict) else []
    more = len(named) - MOST_DIFFERENCES
    named = [*named[:MOST_DIFFERENCES], *([f"and {more} more"] if more > 0 else [])]
    said = first_said("; ".join(named))
    return f" ({said})" if said else ""


def stop_requested() -> bool:
    """Tell whether any process was asked to stop (SIGTERM, Ctrl-C); the same answer on all.

    To be called by all processes equally often, such as once a step: a request is answered at the
    first call that no process has passed yet. Always false for a process alone.
    """
    global _points
    if not several_processes():
        return False
    from jax.experimental import multihost_utils

    if asked_to_stop():  # by Ctrl-C, of which jax tells the others nothing
        signal.raise_signal(signal.SIGTERM)
    _points += 1
    return multihost_utils.reached_preemption_sync_point(_points)


def lost_another(error: BaseException) -> bool:
    """Tell whether an error means that another process of this run is gone."""
    return several_processes() and any(word in str(error) for word in LOST)


def whole(array: Any) -> Any:
    """Give every process the whole of an array that is spread over them; others as they are.

    All processes have to ask for it.
    """
    import jax

    if not isinstance(array, jax.Array) or array.is_fully_addressable or array.is_fully_replicated:
        return array
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(array, tiled=True)


def _broadcast(text: str) -> str:
    from jax.experimental import multihost_utils

    data = np.frombuffer(text.encode(), np.uint8)
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(data))))
    # One program is compiled for each size, so there are few sizes.
    room = np.zeros(1 << max(length - 1, 0).bit_length(), np.uint8)
    if is_first():
        room[:length] = data
    return multihost_utils.broadcast_one_to_all(room)[:length].tobytes().decode()


def _from_all(text: str) -> list[str]:
    from jax.experimental import multihost_utils

    room = np.zeros(MESSAGE_BYTES, np.uint8)
    data = np.frombuffer(text.encode()[:MESSAGE_BYTES], np.uint8)
    room[: len(data)] = data
    gathered = multihost_utils.process_allgather(room)
    return [row.tobytes().rstrip(b"\0").decode(errors="ignore") for row in gathered]
