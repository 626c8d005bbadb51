"""The dense layer: its product, gradients in turn, and repeats that are not multiplied."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.models.dense import Dense
from lqjax.models.draws import Draws
from lqjax.models.platforms import plain_operations, rewrites_for_cpu
from lqjax.models.product import product
from lqjax.models.repeated import is_repeated, without_repeats

TOLERANCE = 1e-5
SIDE = 6

on_cpu = pytest.mark.skipif(not rewrites_for_cpu(), reason="accelerators take the compiler's form")


def draw(*shapes):
    random = np.random.default_rng(sum(map(sum, shapes)))
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_product_and_its_gradients_are_those_of_numpy(dtype):
    vectors, matrix, gradient = draw((5, 7), (7, 3), (5, 3))
    given = [jnp.asarray(array, dtype) for array in (vectors, matrix, gradient)]
    vectors, matrix, gradient = (np.asarray(array, np.float64) for array in given)

    @jax.jit
    def run(vectors, matrix, gradient):
        made, pull = jax.vjp(product, vectors, matrix)
        return made, *pull(gradient)

    expected = vectors @ matrix, gradient @ matrix.T, vectors.T @ gradient
    tolerance = TOLERANCE if dtype == "float32" else 0.03
    for ours, numpys in zip(run(*given), expected, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(np.asarray(ours, np.float64), numpys, atol=10 * tolerance)


@pytest.mark.parametrize("value", [-1.0, 1.0, np.nan, -np.inf])
def test_waiting_changes_nothing_whatever_is_waited_for(value):
    vectors, matrix, gradient = draw((4, 3), (3, 2), (4, 2))
    matrix[:] = 0
    matrix[0] = value  # so that the first number of the other gradient is of this sign, or NaN
    gradient = np.abs(gradient)
    _, pull = jax.vjp(product, jnp.asarray(vectors), jnp.asarray(matrix))
    np.testing.assert_allclose(pull(jnp.asarray(gradient))[1], vectors.T @ gradient, atol=1e-5)


def copies(matrix_product) -> int:
    """Count the copies in a step that moves a matrix whose gradients are taken."""

    def step(matrix, vectors):
        def loss(matrix, vectors):
            return jnp.square(matrix_product(vectors, matrix)).sum()

        for_matrix, for_vectors = jax.grad(loss, argnums=(0, 1))(matrix, vectors)
        return matrix - 0.1 * for_matrix, for_vectors

    vectors, matrix = draw((16, 32), (32, 64))
    compiled = jax.jit(step, donate_argnums=0).lower(matrix, vectors).compile()
    return compiled.as_text().count("f32[32,64]{1,0} copy(")


@on_cpu
def test_a_matrix_is_moved_without_being_copied():
    assert copies(product) == 0


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 3), (6, 2)])
def test_the_kernel_without_repeats_gives_what_the_whole_one_gives_of_repeats(shape):
    maps, kernel = draw((2, *shape, 5), (SIDE**2 * 5, 4))
    rows, columns = (np.arange(SIDE) * length // SIDE for length in shape)
    repeated = maps[:, rows][:, :, columns]
    expected = repeated.reshape(2, -1).astype(np.float64) @ kernel
    given = jnp.asarray(maps)
    assert is_repeated(given, SIDE)
    made = maps.reshape(2, -1) @ np.asarray(without_repeats(jnp.asarray(kernel), given, SIDE))
    np.testing.assert_allclose(made, expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(6, 6), (4, 1), (1, 5), (7, 7), (12, 3)])
def test_where_cells_are_averages_or_shared_unevenly_nothing_is_summed(shape):
    assert not is_repeated(jnp.zeros((1, *shape, 2)), SIDE)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 4), (6, 6)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_layer_of_pooled_maps_is_the_same_in_every_form(shape, dtype):
    [numbers] = draw((SIDE**2 * 5 * 4,))
    layer = Dense(SIDE**2 * 5, 4, deviation=1.0, dtype=dtype, draws=Draws(jnp.asarray(numbers)))
    [maps] = draw((2, *shape, 5))

    def run(maps):
        made, pull = jax.vjp(lambda maps: layer.of_pooled(maps, SIDE), maps)
        return made, *pull(jnp.ones_like(made))

    with plain_operations():
        expected = jax.jit(lambda maps: run(maps))(maps)
    for ours, plain in zip(jax.jit(lambda maps: run(maps))(maps), expected, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-4 * np.abs(plain).max())


@pytest.mark.parametrize("wanted", [0, 1])
def test_a_gradient_that_nobody_wants_is_not_computed(wanted):
    given = [jnp.asarray(array) for array in draw((4, 3), (3, 2))]

    def loss(*given):
        return (product(*given) ** 2).sum()

    alone = jax.grad(loss, argnums=wanted)
    assert str(jax.make_jaxpr(alone)(*given)).count("dot_general[") == 2
    both = jax.grad(loss, argnums=(0, 1))(*given)
    np.testing.assert_array_equal(alone(*given), both[wanted])


def test_what_the_loss_does_not_use_has_no_gradient():
    given = [jnp.asarray(array) for array in draw((4, 3), (3, 2))]
    found = jax.grad(lambda *given: 0 * given[0].sum() + (0 * product(*given)).sum(), (0, 1))
    assert not any(np.any(gradient) for gradient in found(*given))


@pytest.mark.parametrize("shape", [(0, 3), (2, 5, 3)])
def test_no_vectors_and_stacks_of_them_have_gradients_too(shape):
    vectors, matrix = (jnp.asarray(array) for array in draw(shape, (3, 2)))
    found = jax.grad(lambda *given: (product(*given) ** 2).sum(), (0, 1))(vectors, matrix)
    expected = jax.grad(lambda *given: ((given[0] @ given[1]) ** 2).sum(), (0, 1))(vectors, matrix)
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5)
