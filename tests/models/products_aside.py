"""A function without its convolutions and matrix products, so that all else can be counted."""

from collections.abc import Iterator

import jax
from jax.extend.core import Literal

PRODUCTS = ("conv_general_dilated", "dot_general")


def products_aside(function, *arguments):
    """Cut the products out of a function: what enters them is a result, what they give an input.

    Returns:
      A program and its abstract inputs: the arguments, flat, and then the results of the products.
    """
    whole = jax.make_jaxpr(function)(*arguments)
    results = [equation.outvars[0].aval for equation in _products(whole.jaxpr)]
    shapes = [jax.ShapeDtypeStruct(found.shape, found.dtype) for found in results]
    flat = jax.tree.leaves(arguments)

    def program(*given):
        stand_ins, entering = iter(given[len(flat) :]), []
        results = _run(whole.jaxpr, whole.consts, given[: len(flat)], stand_ins, entering)
        return results, entering

    return program, (*flat, *shapes)


def products(function, *arguments):
    """Give every product by itself, in order: a program, and its abstract inputs."""
    for equation in _products(jax.make_jaxpr(function)(*arguments).jaxpr):

        def program(*given, equation=equation):
            return equation.primitive.bind(*given, **equation.params)

        yield program, [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]


def _inner(equation):
    for value in equation.params.values():
        inner = getattr(value, "jaxpr", value)
        if hasattr(inner, "eqns"):
            return inner, getattr(value, "consts", ())
    return None, ()


def _products(jaxpr) -> Iterator:
    for equation in jaxpr.eqns:
        if equation.primitive.name in PRODUCTS:
            yield equation
        elif (inner := _inner(equation)[0]) is not None:
            yield from _products(inner)


def _run(jaxpr, consts, given, stand_ins, entering):
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *given], strict=True))
    for equation in jaxpr.eqns:
        read = [v.val if isinstance(v, Literal) else values[v] for v in equation.invars]
        inner, inner_consts = _inner(equation)
        if equation.primitive.name in PRODUCTS:
            entering += read
            found = [next(stand_ins)]
        elif inner is not None:
            found = _run(inner, inner_consts, read, stand_ins, entering)
        else:
            found = equation.primitive.bind(*read, **equation.params)
            found = found if equation.primitive.multiple_results else [found]
        values.update(zip(equation.outvars, found, strict=True))
    return [v.val if isinstance(v, Literal) else values[v] for v in jaxpr.outvars]
