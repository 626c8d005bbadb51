"""Freed memory stays with the process, so that the next step need not ask for it again.

By default the C library returns memory to the operating system as soon as much of it lies free,
which is at the end of every step, and asks for it again page by page. Measured at 64 px on two
cores: a training step of ResNet-50, batch 64, touched 140,000 new pages, one of AlexNet, batch 32,
57,000, and a fifth of the processor time went into them; with both functions below it is a few
hundred pages. The price is memory: it no longer falls between two steps, and the peak is up to
300 MiB higher (ResNet-18: 1,384 MiB instead of 1,084), as what compiling has used stays too.
"""

from __future__ import annotations

import ctypes
import os

import jax

TRIM_THRESHOLD, TRIM_NEVER = -1, -1
"""glibc's parameter for what may lie free at the end of its memory, and the value for all of it."""

MAP_THRESHOLD, LARGEST_KEPT = -3, (2**30, 2**25)
"""glibc's parameter for the size in bytes from which memory goes back when it is freed.

Up to 1 GiB stays: every temporary of the published networks at 224 px. A data set in one larger
array still goes back. Versions of glibc that take no more than 32 MiB get that."""

SET_BY_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
"""Environment variables by which a user has set this already."""

DISPATCH_SETTING, DISPATCH_VARIABLE = (
    "jax_cpu_enable_async_dispatch",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH",
)
"""JAX's setting, and the environment variable by which a user has chosen it."""


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed, as far as it is glibc and the user has not chosen.

    Returns:
      Whether both parameters are set now.

    Source: mallopt(3).
    """
    if any(name in os.environ for name in SET_BY_USER):
        return False
    set_parameter = _mallopt()
    if set_parameter is None:
        return False
    mapped = any(set_parameter(MAP_THRESHOLD, size) == 1 for size in LARGEST_KEPT)
    return set_parameter(TRIM_THRESHOLD, TRIM_NEVER) == 1 and mapped


def compute_on_calling_thread() -> None:
    """Let programs on a CPU run on the thread that starts them; for later starts of the backend.

    On a thread of its own, JAX's default, a program takes its memory from a part of the C library's
    where pieces above 64 MiB go back whatever `keep_freed_memory` says. Accelerators are not
    affected, nor programs that several devices share. The variable
    `JAX_CPU_ENABLE_ASYNC_DISPATCH`, if set, stands.
    """
    if DISPATCH_VARIABLE not in os.environ:
        jax.config.update(DISPATCH_SETTING, False)


def _mallopt() -> ctypes._FuncPointer | None:
    """Find the function in the C library; other libraries and systems lack it."""
    try:
        library = ctypes.CDLL(None)
        # Others have a function of this name that takes the numbers for something else.
        library.gnu_get_libc_version  # noqa: B018
        function = library.mallopt
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return function
