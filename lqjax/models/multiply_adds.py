"""Multiply-adds of a function, read off its jaxpr."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax

from lqjax.models.platforms import plain_operations


def count_multiply_adds(function: Callable[..., Any], *arguments: Any) -> int:
    """Count the multiply-adds in the convolutions and matrix products of a function.

    Args:
      function: traced in plain form, so that the count is that of the definition
        and not of a faster rewriting.
      arguments: arrays or `jax.ShapeDtypeStruct`.
    """
    with plain_operations():
        jaxpr = jax.make_jaxpr(lambda *traced: function(*traced))(*arguments)
    return sum(_cost(equation) for equation in _equations(jaxpr.jaxpr))


def _cost(equation: Any) -> int:
    result = math.prod(equation.outvars[0].aval.shape)
    if equation.primitive.name == "conv_general_dilated":
        spec = equation.params["dimension_numbers"].rhs_spec
        kernel = equation.invars[1].aval.shape
        return result * math.prod(kernel) // kernel[spec[0]]
    if equation.primitive.name == "dot_general":
        contracted = equation.params["dimension_numbers"][0][0]
        return result * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return 0


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _equations(inner)
