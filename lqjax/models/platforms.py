"""Which form of an operation the platform wants: the compiler's own, or one rewritten for CPUs.

Accelerators always get the compiler's own. Both forms have the same parameters and agree to 1e-4.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax

_plain: ContextVar[bool] = ContextVar("plain", default=False)


def rewrites_for_cpu() -> bool:
    """Tell whether operations traced now should take the form that is fast on a CPU."""
    return jax.default_backend() == "cpu" and not _plain.get()


@contextmanager
def plain_operations() -> Iterator[None]:
    """Trace every operation inside in the compiler's own form, on every platform.

    For tests and for counting. What `jax.jit` has traced before keeps the form it was traced in.
    """
    token = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(token)
