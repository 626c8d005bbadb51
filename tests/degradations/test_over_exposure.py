"""Over-exposure against the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import decoded, encoded

OP = OPERATIONS["over_exposure"]
CALL = jax.jit(OP)


@pytest.mark.parametrize("shape", [(28, 28, 3), (28, 45, 1)])
@pytest.mark.parametrize("stops", [0.01, 1, 2.5, 10])
def test_equals_float64(shape, stops):
    given = np.random.default_rng(0).random((2, *shape), np.float32)
    found = CALL(None, jnp.asarray(given), stops=stops)
    np.testing.assert_allclose(found, encoded(decoded(given) * 2**stops), rtol=0, atol=1e-5)


def test_one_stop_doubles_light_not_code_values():
    found = float(CALL(None, jnp.full((1, 28, 28, 1), 0.5), stops=1)[0, 0, 0, 0])
    assert found == pytest.approx(0.6858, abs=1e-4)


def test_white_stays_exactly_white_and_clipping_is_by_channel():
    colour = jnp.broadcast_to(jnp.asarray([1, 0.75, 0.1], jnp.float32), (1, 28, 28, 3))
    red, green, blue = np.asarray(CALL(None, colour, stops=1))[0, 0, 0]
    assert red == green == 1 and 0.1 < blue < 0.2


def test_no_stops_and_black_change_nothing():
    given = jnp.asarray(np.random.default_rng(0).random((2, 28, 28, 3), np.float32))
    np.testing.assert_array_equal(CALL(None, given, stops=0), given)
    assert not np.asarray(CALL(None, jnp.zeros_like(given), stops=10)).any()
