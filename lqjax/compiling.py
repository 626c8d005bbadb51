"""Compiling with the options that the platform needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import jax

from lqjax.freed_memory import compute_on_calling_thread, keep_freed_memory

LIBRARY_OPTION = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_REDUCE,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
    )
}
"""Which operations of jaxlib 0.10 on CPU go to its YNN library: sums and single matrix products.

Left out are convolutions, whose gradients are many times slower there, and products fused with
what surrounds them, for which broadcasts are written out to memory: ResNet-50 at 64 px, batch 64,
on two cores took 371 ms forward with single products and 440 ms with fused ones.
"""

HEAP_OPTION = {"xla_multiheap_size_constraint_per_heap": 24 * 2**20}
"""Most bytes of temporaries in one piece, below the 32 MiB up to which glibc reuses freed memory.

As one large piece, the compiler's default, they come from the operating system and go back to it
at every call: a training step of ResNet-18 at 64 px, batch 64, touched 87,000 new pages and took
842 ms on one core; in pieces 6,000 and 635 ms, with a peak of memory that was 8 % higher.
jaxlib 0.10 cannot store programs with several pieces in JAX's compilation cache; whoever prefers
stored ones sets `XLA_FLAGS=--xla_multiheap_size_constraint_per_heap=-1`, the compiler's default.
"""

CPU_OPTIONS = {**LIBRARY_OPTION, **HEAP_OPTION}

FLAGS_VARIABLE = "XLA_FLAGS"

LOG_LEVEL_VARIABLE, EVERYTHING, ERRORS_ONLY = "TF_CPP_MIN_LOG_LEVEL", "0", 2
"""The compiler's switch for its messages, and two of its levels; JAX itself sets it to 1."""


@cache
def compile_options() -> dict[str, Any]:
    """Give the compiler options for the default backend.

    Returns:
      On a CPU those of `CPU_OPTIONS` that its compiler accepts, otherwise `{}`. Found out once a
      process, by compiling a trivial program with each. Where the variable `XLA_FLAGS` has one of
      them, it is left at that. On a CPU freed memory stays with the process from then on.
    """
    compute_on_calling_thread()
    if jax.default_backend() != "cpu":
        return {}
    keep_freed_memory()
    options = {
        name: value
        for name, value in CPU_OPTIONS.items()
        if not _is_set_by_flags(name) and _accepts({name: value})
    }
    if options.keys() & HEAP_OPTION.keys() and not _silence_warnings():
        return {name: options[name] for name in options.keys() - HEAP_OPTION.keys()}
    return options


def _is_set_by_flags(name: str) -> bool:
    flags = os.environ.get(FLAGS_VARIABLE, "").split()
    return f"--{name}" in [flag.partition("=")[0] for flag in flags]


def _accepts(options: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda x: x + 1, compiler_options=options).lower(0.0).compile()
    except Exception:  # whatever another version answers to an option that it does not know
        return False
    return True


def _silence_warnings() -> bool:
    """Keep the compiler from warning, line by line, of every array larger than a piece.

    Its errors are still shown, and everything to someone who has set the variable to 0.

    Returns:
      Whether that was possible; without it the warnings would fill the screen.
    """
    if os.environ.get(LOG_LEVEL_VARIABLE) == EVERYTHING:
        return True
    try:
        from jaxlib import utils

        utils.absl_set_min_log_level(ERRORS_ONLY)
    except (ImportError, AttributeError):
        return False
    return True


def jit(function: Callable[..., Any], **kwargs: Any) -> Any:
    """Compile like `jax.jit`, with `compile_options()` for the default backend.

    Args:
      function: what to compile.
      kwargs: as for `jax.jit`; a `compiler_options` given here is added on top.
    """
    options = {**compile_options(), **kwargs.pop("compiler_options", {})}
    return jax.jit(function, compiler_options=options or None, **kwargs)
