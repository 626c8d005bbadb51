"""Is there room on the device for a program? Said before its first step, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax
from jax.stages import Compiled

from lqjax.typing import Tree

EXHAUSTED = "RESOURCE_EXHAUSTED"
"""How a message of XLA begins where memory was not to be had."""

GIBIBYTE = 2**30  # bytes


class TooLargeError(ValueError):
    """A program does not fit into the memory of its device; none of its steps was made."""


@contextmanager
def in_one_line() -> Iterator[None]:
    """Say in one line that memory has run out; other errors are passed on as they are.

    Raises:
      TooLargeError: the device has no memory for what is done within.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if EXHAUSTED not in str(error):
            raise
        reason = str(error).splitlines()[0].rpartition(f"{EXHAUSTED}: ")[2].rstrip(".")
        raise TooLargeError(f"no memory for the first step: {reason}") from error


def check_room(program: Compiled, in_place: Tree, device: jax.Device) -> None:
    """Refuse a program that its device cannot hold; where either keeps no account, as CPUs, none.

    Args:
      in_place: those arguments of the program that lie on the device already.

    Raises:
      TooLargeError: it needs more than is there.
    """
    jax.block_until_ready(in_place)  # what they were made from is given back by then
    needed, account = bytes_needed(program), device.memory_stats() or {}
    if needed is None or not {"bytes_limit", "bytes_in_use"} <= account.keys():
        return
    held = sum(array.nbytes for array in jax.tree.leaves(in_place))
    room = max(account["bytes_limit"] - account["bytes_in_use"] + held, 0)
    if needed > room:
        raise TooLargeError(
            f"one program needs {needed / GIBIBYTE:.1f} GiB, the device has"
            f" {room / GIBIBYTE:.1f} GiB for it"
        )


def bytes_needed(program: Compiled) -> int | None:
    """Give what a program takes while it runs, arguments and results included; `None` if unknown.

    A result that takes the place of an argument counts once.
    """
    try:
        sizes = program.memory_analysis()
    except NotImplementedError:
        return None
    if sizes is None:
        return None
    return (
        sizes.argument_size_in_bytes
        + sizes.temp_size_in_bytes
        + sizes.output_size_in_bytes
        - sizes.alias_size_in_bytes
    )
