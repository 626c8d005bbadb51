"""Measuring that runs while the network classifies: a CPU would leave a core idle otherwise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import jax

Result = TypeVar("Result")


def meanwhile(
    function: Callable[[jax.Array, jax.Array], Result], images: jax.Array, reference: jax.Array
) -> Callable[[], Result]:
    """Start to compute, on a thread of its own where that is safe; return what gives the result.

    On a CPU programs run on the thread that starts them, and SSIM keeps one core busy. Accelerators
    queue programs by themselves. Programs that devices or processes share have to start in the same
    order everywhere, and stay in line.

    Raises:
      what `function` raises, when the result is asked for.
    """
    if not _is_alone(images):
        result = function(images, reference)
        return lambda: result
    started: Future[Result] = _thread().submit(function, images, reference)
    return started.result


def _is_alone(images: jax.Array) -> bool:
    single = len(images.sharding.device_set) == 1 and jax.process_count() == 1
    return single and jax.default_backend() == "cpu"


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="measuring")
