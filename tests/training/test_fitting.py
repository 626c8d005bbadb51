"""Does a checkpoint fit? Said with both shapes."""

import jax
import jax.numpy as jnp
import optax
import pytest
from etils import epath

from lqjax.training.fitting import MisfitError, check_fit, structure_checksum

FOLDER = epath.Path("runs/20")


def shaped(dtype="float32", **shapes):
    made = {name: jax.ShapeDtypeStruct(shape, dtype) for name, shape in shapes.items()}
    return {"params": {"head": made}}


def test_what_fits_passes():
    for one, other in ((shaped(kernel=(16, 4)), shaped(kernel=(16,))), ({}, shaped(bias=(4,)))):
        assert check_fit(one, one, FOLDER) is None
        with pytest.raises(MisfitError):
            check_fit(one, other, FOLDER)


@pytest.mark.parametrize(
    ("found", "wanted", "message"),
    [
        (shaped(kernel=(16, 4)), shaped(kernel=(16, 7)),
         r"params/head/kernel is float32\(16, 4\) there and float32\(16, 7\) here"),
        (shaped("float64", kernel=(2,)), shaped(kernel=(2,)),
         r"params/head/kernel is float64\(2,\) there and float32\(2,\) here"),
        (shaped(kernel=(2,)), shaped(kernel=(2,), bias=(7,)),
         r"it has no params/head/bias, which is float32\(7,\) here, and none instead; use"),
        (shaped(offset=(9,), scale=(2,), kernel=(3,)), shaped(kernel=(3,), bias=(7,)),
         r"no params/head/bias, which is float32\(7,\) here, and has params/head/offset,"
         r" float32\(9,\), which is not here"),
        (shaped(kernel=(2,), bias=(7,)), shaped(kernel=(2,)),
         r"it has params/head/bias, float32\(7,\), which is not here"),
    ],
)  # fmt: skip
def test_what_does_not_is_refused_with_both_shapes(found, wanted, message):
    with pytest.raises(MisfitError, match=message) as caught:
        check_fit(found, wanted, FOLDER)
    assert str(FOLDER) in str(caught.value) and "\n" not in str(caught.value)


def test_an_optimiser_is_known_by_the_names_of_its_fields():
    state = optax.adam(0.1).init({"w": jnp.zeros(3)})
    as_read = [
        {"count": state[0].count, "mu": {"w": state[0].mu["w"]}, "nu": {"w": state[0].nu["w"]}}
    ]
    check_fit(as_read, state, FOLDER)
    assert structure_checksum(as_read) == structure_checksum(state)


def test_the_structure_sums_up_names_shapes_and_dtypes_but_no_values():
    base = structure_checksum(shaped(kernel=(16, 4)))
    assert base == structure_checksum({"params": {"head": {"kernel": jnp.ones((16, 4))}}})
    for other in (shaped(kernel=(4, 16)), shaped(scale=(16, 4)), shaped("int32", kernel=(16, 4))):
        assert structure_checksum(other) != base
