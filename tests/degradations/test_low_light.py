"""Low light against SciPy in float64, with and without the camera's gain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lqjax.imaging.conditions import parse
from lqjax.imaging.keys import example_keys, example_numbers
from lqjax.imaging.operations import OPERATIONS
from tests.degradations.light_references import counts, decoded, encoded, near_a_step

OP = OPERATIONS["low_light"]
DRAWS = jax.jit(OP.draws, static_argnums=1)
APPLY = jax.jit(OP.apply)


def keys(batch):
    return example_keys(1, OP.stream, jnp.asarray(example_numbers(np.arange(batch))))


def pictures(shape=(32, 32, 3)):
    levels = np.random.default_rng(0).integers(0, 256, (2, *shape))
    return (levels / 255).astype(np.float32)


def applied(given, draws, *, gain_back=0, **parameters):
    values = {name: np.float32(value) for name, value in parameters.items()}
    return np.asarray(APPLY(jnp.asarray(given), draws, gain_back=np.int32(gain_back), **values))


@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 45, 1)])
@pytest.mark.parametrize("gain_back", [0, 1])
@pytest.mark.parametrize(("exposure", "photons"), [(0.5, 1000), (0.02, 100), (0.125, 50_000)])
def test_equals_scipy(shape, gain_back, exposure, photons):
    given, draws = pictures(shape), DRAWS(keys(2), shape)
    tails, normal = (np.asarray(draw, np.float64) for draw in draws)
    mean = decoded(given) * np.float64(np.float32(exposure) * np.float32(photons))
    light = (counts(tails, mean) + 3 * normal) / (photons * (exposure if gain_back else 1))
    found = applied(
        given, draws, exposure=exposure, photons=photons, read_noise=3, gain_back=gain_back
    )
    clear = ~near_a_step(tails, mean)
    assert clear.mean() > 0.99
    np.testing.assert_allclose(found[clear], encoded(light)[clear], rtol=0, atol=1e-4)


def test_without_noise_only_the_light_is_less():
    given, draws = pictures(), DRAWS(keys(2), (32, 32, 3))
    found = applied(given, draws, exposure=0.25, photons=np.inf, read_noise=4)
    np.testing.assert_allclose(found, encoded(0.25 * decoded(given)), rtol=0, atol=1e-6)


def test_a_full_exposure_without_noise_changes_nothing():
    given, draws = pictures(), DRAWS(keys(2), (32, 32, 3))
    for exposure, gain_back in ((1, 0), (1, 1), (0.1, 1)):
        found = applied(
            given, draws, exposure=exposure, photons=np.inf, read_noise=4, gain_back=gain_back
        )
        np.testing.assert_array_equal(found, given)


def test_with_gain_it_is_shot_and_read_noise_of_fewer_photons():
    given, draws = pictures(), DRAWS(keys(2), (32, 32, 3))
    found = applied(given, draws, exposure=0.125, photons=800, read_noise=3, gain_back=1)
    other = OPERATIONS["shot_and_read_noise"].apply(
        jnp.asarray(given), draws, photons=np.float32(100), read_noise=np.float32(3)
    )
    np.testing.assert_allclose(found, other, rtol=0, atol=1e-6)


def test_gain_brings_the_mean_back():
    codes = jnp.full((4, 32, 32, 1), 0.6, jnp.float32)
    for gain_back, light in (("no", 0.1), ("yes", 1)):
        given = OP.resolve({"exposure": 0.1, "photons": 2000, "gain_back": gain_back})
        found = decoded(applied(codes, DRAWS(keys(4), (32, 32, 1)), **given))
        assert found.mean() == pytest.approx(light * decoded(0.6), rel=0.02)


def test_gain_is_written_by_name():
    condition = parse("low_light(exposure=0.1,gain_back=yes)")
    assert condition.name == "low_light(exposure=0.1,gain_back=yes)"
    assert condition.steps[0].parameters["gain_back"] == 1
    assert parse("low_light(exposure=0.1,gain_back=no)").name == "low_light(exposure=0.1)"
