"""Multiply-adds of a function by layer, read off its jaxpr."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from jax.extend.core import Var

from lqjax.models.platforms import plain_operations
from lqjax.rows import Layer
from lqjax.typing import Tree

UNNAMED = "without weights"
"""Name of a product in which no array of the parameters takes part."""


def count_by_layer(
    model: str, function: Callable[..., Any], params: Tree, *arguments: Any
) -> tuple[Layer, ...]:
    """Count the multiply-adds in the convolutions and matrix products of a function, in its order.

    Args:
      model: name for the records.
      function: called with params and arguments; traced in plain form, so that the count is that of
        the definition and not of a faster rewriting.
      params: nested dict of arrays or `jax.ShapeDtypeStruct`; a layer is named by where its weights
        lie in it.
      arguments: arrays or `jax.ShapeDtypeStruct`.
    """
    with plain_operations():
        jaxpr = jax.make_jaxpr(lambda *traced: function(*traced))(params, *arguments).jaxpr
    places = [_parent(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    sizes: dict[str, int] = {}
    for place, leaf in zip(places, jax.tree.leaves(params), strict=True):
        sizes[place] = sizes.get(place, 0) + math.prod(leaf.shape)
    names = dict(zip(jaxpr.invars, places, strict=False))  # the arguments follow, without a name
    return tuple(
        _layer(model, equation, place, sizes) for equation, place in _products(jaxpr, names)
    )


def _parent(path: tuple[Any, ...]) -> str:
    return "/".join(key.key for key in path[:-1])


def _products(jaxpr: Any, names: dict[Var, str]) -> Iterator[tuple[Any, str]]:
    """Give every convolution and matrix product with the place of the weights that enter it."""
    for equation in jaxpr.eqns:
        given = [names.get(v) if isinstance(v, Var) else None for v in equation.invars]
        if equation.primitive.name in COUNTED:
            yield equation, next(filter(None, given), UNNAMED)
        elif len(given) == 1 and given[0]:  # weights in another dtype or shape are still those
            names.update(dict.fromkeys(equation.outvars, given[0]))
        for inner in _inner(equation):
            passed = dict(zip(inner.invars, given, strict=False))
            yield from _products(inner, {v: name for v, name in passed.items() if name})


def _inner(equation: Any) -> Iterator[Any]:
    for value in equation.params.values():
        inner = getattr(value, "jaxpr", value)
        if hasattr(inner, "eqns"):
            yield inner


def _layer(model: str, equation: Any, place: str, sizes: Mapping[str, int]) -> Layer:
    operation, multiply_adds, on_padding = COUNTED[equation.primitive.name](equation)
    return Layer(
        model=model,
        layer=place,
        operation=operation,
        output="x".join(map(str, equation.outvars[0].aval.shape[1:])),
        parameters=sizes.get(place, 0),
        multiply_adds=multiply_adds,
        padding_multiply_adds=on_padding,
    )


def _convolution(equation: Any) -> tuple[str, int, int]:
    given, dimensions = equation.params, equation.params["dimension_numbers"]
    kernel, result = equation.invars[1].aval.shape, equation.outvars[0].aval.shape
    maps = equation.invars[0].aval.shape
    outputs, _, *window = dimensions.rhs_spec
    each = math.prod(result) * math.prod(kernel) // kernel[outputs]
    taps = on_data = 1
    for place, (axis, along) in enumerate(zip(window, dimensions.lhs_spec[2:], strict=True)):
        places, size = result[dimensions.out_spec[2 + place]], kernel[axis]
        step, before = given["window_strides"][place], given["padding"][place][0]
        reached = (i * step + j - before for i in range(places) for j in range(size))
        taps *= places * size
        on_data *= sum(0 <= pixel < maps[along] for pixel in reached)
    name = f"{'x'.join(str(kernel[axis]) for axis in window)} convolution"
    for word, number in (
        ("stride", given["window_strides"][0]),
        ("groups", given["feature_group_count"]),
    ):
        name += f", {word} {number}" if number > 1 else ""
    return name, each, each - each // taps * on_data


def _product(equation: Any) -> tuple[str, int, int]:
    contracted = equation.params["dimension_numbers"][0][0]
    length = math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return "dense", math.prod(equation.outvars[0].aval.shape) * length, 0


COUNTED: Mapping[str, Callable[[Any], tuple[str, int, int]]] = {
    "conv_general_dilated": _convolution,
    "dot_general": _product,
}
"""Primitive -> what it is, its multiply-adds, and those of them on padding."""
