"""Compiling with the options that the platform needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

CPU_OPTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": (
        "LIBRARY_FUSION_TYPE_REDUCE,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
    )
}
"""Which operations of jaxlib 0.10 on CPU go to its YNN library: sums and single matrix products.

Left out are convolutions, whose gradients are many times slower there, and products fused with
what surrounds them, for which broadcasts are written out to memory: ResNet-50 at 64 px, batch 64,
on two cores took 371 ms forward with single products and 440 ms with fused ones.
"""


@cache
def compile_options() -> dict[str, str]:
    """Give the compiler options for the default backend.

    Returns:
      `CPU_OPTIONS` on a CPU whose compiler accepts them, otherwise `{}`. Found out once a
      process, by compiling a trivial program.
    """
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x + 1, compiler_options=CPU_OPTIONS).lower(0.0).compile()
    except Exception:  # whatever another version answers to an option that it does not know
        return {}
    return dict(CPU_OPTIONS)


def jit(function: Callable[..., Any], **kwargs: Any) -> Any:
    """Compile like `jax.jit`, with `compile_options()` for the default backend.

    Args:
      function: what to compile.
      kwargs: as for `jax.jit`; a `compiler_options` given here is added on top.
    """
    options = {**compile_options(), **kwargs.pop("compiler_options", {})}
    return jax.jit(function, compiler_options=options or None, **kwargs)
